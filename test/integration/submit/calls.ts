import type { Sql } from '../../../src/shared/store/connect.ts'

export interface Fault {
  code: string
  message: string
  detail?: string
  column_name?: string
}

/** What the database says when it refuses. */
export async function refusal(run: PromiseLike<unknown>): Promise<Fault> {
  try {
    await run
  } catch (error) {
    const { code, message, detail, column_name } = error as Fault
    return { code, message, ...(detail && { detail }), ...(column_name && { column_name }) }
  }
  throw new Error('it was not refused')
}

export const invalid = (message: string, field: string) => ({
  code: '22023',
  message,
  detail: field,
  column_name: field,
})

/** The parameters of submit(), with their types. */
const TYPES: Record<string, string> = {
  ...{
    command: 'text',
    executor: 'text',
    payload: 'jsonb',
    run_at: 'timestamptz',
    queue: 'text',
    priority: 'text',
  },
  ...{
    idempotency_key: 'text',
    name: 'text',
    description: 'text',
    labels: 'text[]',
    concurrency_key: 'text',
  },
  ...{
    max_retries: 'numeric',
    retry_backoff_ms: 'numeric',
    retry_backoff_cap_ms: 'numeric',
    timeout_ms: 'numeric',
  },
  ...{ cancel_grace_ms: 'numeric', delay_seconds: 'float8', depends_on: 'uuid[]', on_parent_failure: 'text' },
}

/** As texts, whatever the driver would make of them. */
const cast: Record<string, string> = {
  jsonb: 'text::jsonb',
  numeric: 'text::numeric',
  timestamptz: 'text::timestamptz',
}

/** The two functions, as they are called from a program. */
export function createCalls(sql: Sql) {
  /** Calls submit() by the names of its parameters; the id. A number as priority is one in SQL, too. */
  async function submit(given: Record<string, unknown>, on: Sql = sql): Promise<string> {
    const names = Object.keys(given)
    const values = names.map((name) => {
      const value = given[name]
      if (value === null || typeof value === 'number' || TYPES[name]?.endsWith('[]')) return value
      return typeof value === 'object' ? JSON.stringify(value) : String(value)
    })
    const list = names.map((name, index) => {
      const type = name === 'priority' && typeof given.priority === 'number' ? 'numeric' : TYPES[name]
      return `${name} => $${index + 1}::${cast[type ?? ''] ?? type}`
    })
    const [row] = await on.unsafe(`SELECT submit(${list.join(', ')}) AS id`, values as never[])
    return row?.id
  }

  async function submitMany(tasks: unknown, on: Sql = sql): Promise<string[]> {
    const [row] = await on`SELECT submit_many(${JSON.stringify(tasks)}::text::jsonb) AS ids`
    return row?.ids
  }
  return { submit, submitMany }
}

/** A task with every field but times, keys and dependencies. */
export const FULL = {
  command: 'true',
  executor: 'shell',
  payload: { env: { A: 'x' }, n: [1.5, 1e21] },
  queue: 'mail',
  priority: 'high',
  name: 'n',
  description: 'd',
  labels: ['b', 'a', 'b'],
  concurrency_key: 'k',
  max_retries: 3,
  retry_backoff_ms: 10,
  retry_backoff_cap_ms: 20,
  timeout_ms: 30,
  cancel_grace_ms: 40,
  on_parent_failure: 'skip',
}
