import type { NewTask, Task, TaskState } from '../core/task.ts'
import type { Sql } from './connect.ts'

/** One stored under the same idempotency key before. */
export interface Duplicate {
  idempotencyKey: string
  id: string
  requestHash: string | null
}

/**
 * Stores tasks, all or none, in one statement; the insert itself tells coordinators and watchers. A task whose
 * idempotency key is taken is not stored.
 *
 * @returns when some were not stored: the tasks that hold the keys of all that were given
 */
export async function insertTasks(sql: Sql, given: NewTask[]): Promise<Duplicate[]> {
  // Whoever inserts waits for others that insert the same key: all in one order, so that no two wait for each other.
  const tasks = given.some(({ idempotencyKey }) => idempotencyKey !== null) ? given.toSorted(byKey) : given
  const inserted = await sql`
    INSERT INTO tasks (id, name, description, command, executor, payload, priority, max_retries,
      retry_backoff_ms, retry_backoff_cap_ms, timeout_ms, cancel_grace_ms, idempotency_key, request_hash,
      scheduled_at, due_at)
    SELECT id, name, description, command, executor, payload::jsonb, priority, max_retries,
      retry_backoff_ms, retry_backoff_cap_ms, timeout_ms, cancel_grace_ms, idempotency_key, request_hash,
      coalesce(now() + delay_ms * interval '1 ms', scheduled_at),
      coalesce(now() + delay_ms * interval '1 ms', scheduled_at)
    FROM unnest(
      ${tasks.map((t) => t.id)}::uuid[], ${tasks.map((t) => t.name)}::text[],
      ${tasks.map((t) => t.description)}::text[], ${tasks.map((t) => t.command)}::text[],
      ${tasks.map((t) => t.executor)}::text[],
      ${tasks.map((t) => (t.payload === null ? null : JSON.stringify(t.payload)))}::text[],
      ${tasks.map((t) => t.priority)}::smallint[], ${tasks.map((t) => t.maxRetries)}::smallint[],
      ${tasks.map((t) => t.retryBackoffMs)}::int[], ${tasks.map((t) => t.retryBackoffCapMs)}::int[],
      ${tasks.map((t) => t.timeoutMs)}::int[], ${tasks.map((t) => t.cancelGraceMs)}::int[],
      ${tasks.map((t) => t.idempotencyKey)}::text[], ${tasks.map((t) => t.requestHash)}::text[],
      ${tasks.map((t) => t.scheduledAt.toISOString())}::timestamptz[], ${tasks.map((t) => t.delayMs)}::float8[]
    ) AS t (id, name, description, command, executor, payload, priority, max_retries, retry_backoff_ms,
      retry_backoff_cap_ms, timeout_ms, cancel_grace_ms, idempotency_key, request_hash, scheduled_at, delay_ms)
    ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING`
  if (inserted.count === tasks.length) return []
  const keys = tasks.flatMap(({ idempotencyKey }) => idempotencyKey ?? [])
  const holders = await sql<Duplicate[]>`
    SELECT idempotency_key AS "idempotencyKey", id, request_hash AS "requestHash"
    FROM tasks WHERE idempotency_key = ANY(${keys}) AND idempotency_key IS NOT NULL`
  const held = new Set(holders.map(({ idempotencyKey }) => idempotencyKey))
  // One that held a key may have been deleted since: then the key is free after all.
  const left = tasks.filter(({ idempotencyKey }) => idempotencyKey !== null && !held.has(idempotencyKey))
  return left.length > 0 ? [...holders, ...(await insertTasks(sql, left))] : holders
}

const byKey = (a: NewTask, b: NewTask) => {
  const [one, other] = [a.idempotencyKey ?? '', b.idempotencyKey ?? '']
  return one < other ? -1 : one > other ? 1 : 0
}

const columns = (sql: Sql) => sql`
  t.id, t.name, t.description, t.command, t.executor, t.payload, t.priority, t.max_retries AS "maxRetries",
  t.retry_backoff_ms AS "retryBackoffMs", t.retry_backoff_cap_ms AS "retryBackoffCapMs",
  t.timeout_ms AS "timeoutMs", t.cancel_grace_ms AS "cancelGraceMs", t.idempotency_key AS "idempotencyKey",
  t.request_hash AS "requestHash", t.cancel_requested_at AS "cancelRequestedAt",
  t.state, t.created_at AS "createdAt", t.scheduled_at AS "scheduledAt", t.due_at AS "dueAt",
  t.picked_at AS "pickedAt", t.started_at AS "startedAt", t.completed_at AS "completedAt",
  t.failed_at AS "failedAt", t.cancelled_at AS "cancelledAt", t.worker_id AS "workerId",
  (SELECT w.name FROM workers w WHERE w.id = t.worker_id) AS "workerName",
  t.slot, t.attempt, t.failures, t.losses, t.error, t.output`

export async function findTask(sql: Sql, id: string): Promise<Task | null> {
  const [task] = await sql<Task[]>`SELECT ${columns(sql)} FROM tasks t WHERE t.id = ${id}`
  return task ?? null
}

/** The states of these tasks now; those that do not exist are left out. */
export function findStates(sql: Sql, ids: string[]): Promise<Pick<Task, 'id' | 'state' | 'attempt'>[]> {
  return sql`SELECT id, state, attempt FROM tasks WHERE id = ANY(${ids}::uuid[])`
}

/** A state, or `retrying`: those of the pending ones that failed before. */
export type ListedState = TaskState | 'retrying'

export interface TaskFilter {
  state?: ListedState
  /** Held or ended by one of these. */
  workerIds?: number[]
  /** Matches name, command and the beginning of the id, ignoring case, among the newest SEARCH_WINDOW. */
  text?: string
}

/** How many of the newest tasks a text or worker filter looks through. */
export const SEARCH_WINDOW = 100_000

export interface TaskPage {
  /** The last task of the page before: its time as PostgreSQL writes it, because a Date has no microseconds. */
  after?: { scheduledAt: string; id: string }
  limit: number
}

export interface ListedTask extends Task {
  /** `scheduledAt` to the microsecond, for `TaskPage.after`. */
  exactScheduledAt: string
}

/** One page of tasks, newest `scheduled_at` first. */
export function listTasks(sql: Sql, filter: TaskFilter, page: TaskPage): Promise<ListedTask[]> {
  return sql`
    SELECT ${columns(sql)}, t.scheduled_at::text AS "exactScheduledAt" FROM ${candidates(sql, filter)} t
    WHERE ${matches(sql, filter)}
    ${page.after ? sql`AND (t.scheduled_at, t.id) < (${page.after.scheduledAt}::text::timestamptz, ${page.after.id}::uuid)` : sql``}
    ORDER BY t.scheduled_at DESC, t.id DESC LIMIT ${page.limit}`
}

/** How many tasks match, of the newest SEARCH_WINDOW that a text or worker filter, or `retrying`, looks through. */
export async function countMatches(sql: Sql, filter: TaskFilter): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    SELECT count(*) AS count FROM (
      SELECT FROM ${candidates(sql, filter)} t WHERE ${matches(sql, filter)} LIMIT ${SEARCH_WINDOW}
    ) AS matching`
  return row?.count ?? 0
}

// What workers hold is little and has its own index; OFFSET 0 keeps the planner from walking the whole list
// for it instead.
/** Where tasks of a filter are looked for, as `t`. */
export function candidates(sql: Sql, filter: TaskFilter) {
  if (filter.state === 'assigned' || filter.state === 'running') {
    return sql`(SELECT * FROM tasks t WHERE ${held(sql)} OFFSET 0)`
  }
  if (filter.text === undefined && filter.workerIds === undefined) return sql`tasks`
  return sql`(SELECT * FROM tasks ORDER BY scheduled_at DESC, id DESC LIMIT ${SEARCH_WINDOW})`
}

// The conditions are written as the partial indexes' predicates are, so that each state walks its own.
const IN_STATE: Record<ListedState, (sql: Sql) => ReturnType<Sql>> = {
  pending: (sql) => sql`coalesce(t.picked_at, t.cancelled_at) IS NULL`,
  retrying: (sql) => sql`coalesce(t.picked_at, t.cancelled_at) IS NULL AND t.failures > 0`,
  assigned: (sql) => sql`${held(sql)} AND t.started_at IS NULL`,
  running: (sql) => sql`${held(sql)} AND t.started_at IS NOT NULL`,
  completed: (sql) => sql`t.completed_at IS NOT NULL`,
  failed: (sql) => sql`t.failed_at IS NOT NULL`,
  cancelled: (sql) => sql`t.cancelled_at IS NOT NULL`,
}

/** That task `t` is in a state. */
export const isInState = (sql: Sql, state: ListedState) => IN_STATE[state](sql)

const held = (sql: Sql) => sql`
  t.picked_at IS NOT NULL AND t.completed_at IS NULL AND t.failed_at IS NULL AND t.cancelled_at IS NULL`

function matches(sql: Sql, filter: TaskFilter) {
  return sql`${filter.state ? isInState(sql, filter.state) : sql`true`} AND ${matchesRest(sql, filter)}`
}

/** That task `t` is what a filter asks for, its state aside. */
export function matchesRest(sql: Sql, { workerIds, text }: TaskFilter) {
  const pattern = text === undefined ? '' : text.replace(/[\\%_]/g, '\\$&')
  return sql`
    ${workerIds === undefined ? sql`true` : sql`coalesce(t.worker_id = ANY(${workerIds}::bigint[]), false)`}
    ${
      text === undefined
        ? sql``
        : sql`AND (t.command ILIKE ${`%${pattern}%`} OR t.name ILIKE ${`%${pattern}%`} OR t.id::text ILIKE ${`${pattern}%`})`
    }`
}
