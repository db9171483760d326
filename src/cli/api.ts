import { AppError, type ErrorCode } from '../shared/core/error.ts'
import { parseExact } from '../shared/core/exact-json.ts'
import { isLoopback } from '../shared/core/loopback.ts'
import type { TaskState } from '../shared/core/task.ts'

/** What the scheduler answers, as far as it is shown here. */
export interface TaskView {
  task_id: string
  name: string
  description: string
  command: string
  executor: string
  priority: number
  state: TaskState | 'retrying'
  scheduled_at: string
  picked_at: string | null
  started_at: string | null
  completed_at: string | null
  failed_at: string | null
  cancelled_at: string | null
  cancel_requested_at: string | null
  retry_at: string | null
  worker: string | null
  attempt: number
  failures: number
  losses: number
  max_retries: number
  timeout_ms: number | null
  queue: string
  concurrency_key: string | null
  labels: string[]
  idempotency_key: string | null
  schedule_id: string | null
  tick_at: string | null
  /** Seconds. */
  duration: number | null
  error: string | null
  error_stack: string | null
  output: string | null
  result: unknown
  /** From 0 to 1. */
  progress: number | null
}

/** A line that a task said. */
export interface LineView {
  id: string
  attempt: number
  at: string
  stream: 'stdout' | 'stderr' | 'log'
  text: string
}

export interface AttemptView {
  attempt: number
  worker_id: number
  worker: string | null
  slot: number | null
  picked_at: string
  started_at: string | null
  ended_at: string | null
  outcome: string | null
  error: string | null
}

/** A task that another one waits for, or that waits for it; of no state when it was deleted. */
export interface RelativeView {
  task_id: string
  key: string | null
  command: string
  state: TaskState | null
}

export type TaskDetailView = TaskView & {
  attempts: AttemptView[]
  depends_on: RelativeView[]
  dependents: RelativeView[]
  dependents_count: number
}

export interface WhyView {
  task_id: string
  state: string
  reasons: { code: string; text: string; task_ids: string[]; wait_ms: number | null }[]
  estimate_ms: number | null
}

export interface AuditView {
  at: string
  ok: boolean
  findings: string[]
  held_tasks: number
  idle_workers: number
  oldest_overdue_ms: number | null
  counters: { checked: TaskState[] }
}

export interface WorkerView {
  id: number
  name: string
  address: string
  status: string
  slots: number
  busy_slots: number
  tasks_completed: number
  last_active_at: string
  labels: string[]
  executors: string[]
}

export type StatsView = { [State in TaskState as `${State}_tasks`]: number } & {
  total_tasks: number
  queue_depth: number
  throughput_per_second: number
  workers: WorkerView[]
}

export interface EventView {
  id: number
  ts: string
  type: string
  level: string
  msg: string
  task_id: string | null
}

interface PartHealth {
  state: 'ok' | 'degraded' | 'down' | 'unknown'
  message: string | null
  code: string | null
  since: string
}

export interface HealthView extends PartHealth {
  database: PartHealth
  feed: PartHealth
  coordinators: (PartHealth & { address: string })[]
  reports_waiting: number
  database_age_ms: number | null
}

export interface Api {
  /** The scheduler's URL, without a slash at its end. */
  readonly url: string
  get<T>(path: string, query?: Record<string, string | undefined>): Promise<T>
  post<T>(path: string, body: object): Promise<T>
  patch<T>(path: string, body: object): Promise<T>
  delete<T>(path: string): Promise<T>
  /** Posts a text as it stands. */
  send<T>(path: string, type: string, text: string): Promise<T>
  /** The body of an answer as it comes, for as long as it comes. */
  stream(path: string, query: Record<string, string | undefined>): Promise<ReadableStream<Uint8Array>>
}

const TIMEOUT_MS = 30_000

/**
 * Speaks to a scheduler's REST interface. Its calls throw what it refused, and `unavailable` when it is not
 * there.
 *
 * @throws `invalid` when `server` is no URL
 */
export function createApi(server: string): Api {
  const url = URL.parse(/^https?:\/\//.test(server) ? server : `http://${server}`)
  if (!url) throw new AppError('invalid', `Not a URL: ${server}. Write it like http://localhost:8081`)
  const base = url.href.replace(/\/+$/, '')

  async function request<T>(path: string, init: RequestInit): Promise<T> {
    const response = await reach(base, path, init)
    const text = await response.text()
    const body = parseJson(text)
    if (!response.ok) throw refusal(response.status, body)
    if (body === undefined) throw new AppError('internal', `${base} is no TaskMaster scheduler`)
    return body as T
  }

  const send = <T>(path: string, type: string, body: string) =>
    request<T>(path, { method: 'POST', headers: { 'Content-Type': type }, body })

  return {
    url: base,
    get: (path, query = {}) => request(withQuery(path, query), {}),
    post: (path, body) => send(path, 'application/json', JSON.stringify(body)),
    patch: (path, body) =>
      request(path, {
        method: 'PATCH',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      }),
    delete: (path) => request(path, { method: 'DELETE' }),
    send,
    async stream(path, query) {
      const response = await reach(base, withQuery(path, query), { signal: new AbortController().signal })
      if (!response.ok) throw refusal(response.status, parseJson(await response.text()))
      if (!response.body) throw new AppError('internal', `${base} is no TaskMaster scheduler`)
      return response.body
    },
  }
}

function withQuery(path: string, query: Record<string, string | undefined>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return given.length > 0 ? `${path}?${new URLSearchParams(given)}` : path
}

/** A request that got an answer, whichever; `unavailable` when there was none. */
export async function reach(base: string, path: string, init: RequestInit): Promise<Response> {
  try {
    const direct: object = isLoopback(new URL(base).hostname) ? { proxy: false } : {}
    return await fetch(`${base}${path}`, { signal: AbortSignal.timeout(TIMEOUT_MS), ...direct, ...init })
  } catch (error) {
    const reason =
      (error as Error).name === 'TimeoutError'
        ? `does not answer in ${TIMEOUT_MS / 1000} s`
        : 'cannot be reached'
    const proxy = proxyBefore(base, process.env)
    const what = `the scheduler at ${base} ${reason}${proxy && ` through the proxy that ${proxy} names`}`
    throw new AppError(
      'unavailable',
      `${what}. Start one with \`bun run up\`, or name another with --server.`,
      {
        cause: error,
      },
    )
  }
}

/** The variable that puts a proxy before such a server; empty when none does. */
function proxyBefore(base: string, env: Record<string, string | undefined>): string {
  const { protocol, hostname } = new URL(base)
  const names = protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY']
  if (isLoopback(hostname)) return ''
  return [...names, 'all_proxy', 'ALL_PROXY'].find((name) => env[name]) ?? ''
}

function parseJson(text: string): unknown {
  try {
    return parseExact(text)
  } catch {
    return undefined
  }
}

function refusal(status: number, body: unknown): AppError {
  const { error, code } = (body ?? {}) as { error?: unknown; code?: unknown }
  const message = typeof error === 'string' ? error : `the scheduler answered with status ${status}`
  return new AppError((typeof code === 'string' ? code : 'internal') as ErrorCode, message)
}
