import type { TaskView } from '../views.ts'

/** What a task's row has, in this order; each field of a task once, so that a new one is not forgotten. */
const COLUMNS = Object.keys({
  task_id: true,
  name: true,
  state: true,
  command: true,
  description: true,
  executor: true,
  priority: true,
  created_at: true,
  scheduled_at: true,
  due_at: true,
  picked_at: true,
  started_at: true,
  completed_at: true,
  failed_at: true,
  cancelled_at: true,
  cancel_requested_at: true,
  retry_at: true,
  worker_id: true,
  worker: true,
  slot: true,
  attempt: true,
  failures: true,
  losses: true,
  max_retries: true,
  retry_backoff_ms: true,
  retry_backoff_cap_ms: true,
  timeout_ms: true,
  cancel_grace_ms: true,
  idempotency_key: true,
  duration: true,
  error: true,
  error_stack: true,
  output: true,
  result: true,
  progress: true,
  queue: true,
  labels: true,
  concurrency_key: true,
  parents: true,
  waits_for: true,
  on_parent_failure: true,
  workflow_id: true,
  workflow_key: true,
  schedule_id: true,
  tick_at: true,
  payload: true,
} satisfies Record<Exclude<keyof TaskView, 'id'>, true>) as (keyof TaskView)[]

const LINE_END = '\r\n'

export const csvHead = (): string => COLUMNS.join(',') + LINE_END

export const csvRow = (task: TaskView): string =>
  COLUMNS.map((column) => csvCell(task[column])).join(',') + LINE_END

/** What a spreadsheet takes for a formula: https://owasp.org/www-community/attacks/CSV_Injection */
const FORMULA = /^[\s]*[=+\-@＝＋－＠]|^[\t\r\n]/

/**
 * One cell as RFC 4180 has it. A text that a spreadsheet would take for a formula gets an apostrophe before it,
 * because commands are written by anybody and exports opened by others. Numbers stay numbers.
 */
export function csvCell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const safe = FORMULA.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
