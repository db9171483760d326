import { type Capabilities, PLAIN } from '../core/lane.ts'
import type { Report } from '../core/report.ts'
import type { Assignment, TaskRef } from '../core/task.ts'
import type { Sql } from './connect.ts'
import { isHeld, isHolding, putBack } from './held.ts'
import { isClaimable, isLimited, isOfLevel, kindOf, levels } from './lanes.ts'
import { parentsOf } from './parents.ts'

export interface ClaimedTask extends Assignment {
  workerId: number
  lane: string
}

/** How the claim orders what is due. */
export interface ClaimOrder {
  /** ms after which a due task counts as aged; null: none does. */
  ageingMs: number | null
  /** How many of the places go to aged tasks first, whatever their priority. */
  agedPlaces: number
  /** Other kinds of workers that have free slots, by `capabilityKey`: of one priority, what they do not run goes first. */
  others?: string[]
}

export const STRICT: ClaimOrder = { ageingMs: null, agedPlaces: 0 }

/** What the claim returns of a task. */
export const claimed = (sql: Sql) => sql`
  t.id AS "taskId", t.attempt, t.worker_id AS "workerId", t.lane, t.command, t.executor, t.payload, t.priority,
  t.timeout_ms AS "timeoutMs", t.cancel_grace_ms AS "cancelGraceMs", ${parentsOf(sql)} AS parents`

/**
 * Claims due tasks: the nth, by priority and then by due time, for the nth worker given. One statement picks,
 * assigns and raises the fencing token; nothing waits for a row that another coordinator is claiming.
 *
 * The priorities of each lane are visited by themselves, each by its own walk along tasks_claimable, so that neither
 * what is due later nor what these workers do not run is ever read past. With a single one of them that has something
 * due, its walk is the claim. With more, the first of each are compared to tell how many to take of each. Queues that
 * have limits, and tasks that have a concurrency key, are left to `governed.ts`.
 *
 * @param workerIds one entry per task that may be claimed, in the order of placement
 * @param can what every one of these workers runs
 */
export function claimTasks(
  sql: Sql,
  workerIds: number[],
  can: Capabilities = PLAIN,
  { ageingMs, agedPlaces, others = [] }: ClaimOrder = STRICT,
): Promise<ClaimedTask[]> {
  const places = workerIds.length
  const agedBefore = sql`(now() - ${ageingMs ?? 0} * interval '1 ms')`
  return sql<ClaimedTask[]>`
    WITH RECURSIVE ${levels(sql, kindOf(sql, can))}, open AS MATERIALIZED (
      SELECT l.key, l.priority, count(*) OVER () AS of, ${isLeftTo(sql, others)} AS left_to_others FROM level l
      WHERE NOT ${isLimited(sql, sql`l.lane`)} AND (
        SELECT true FROM tasks t
        WHERE ${isClaimable(sql)} AND ${isOfLevel(sql)} AND t.due_at <= now() LIMIT 1)
    ), ranked AS MATERIALIZED (
      SELECT o.key, o.priority, d.due_at, row_number() OVER (ORDER BY o.priority DESC, o.left_to_others, d.due_at) AS rank
      FROM open o CROSS JOIN LATERAL (
        SELECT t.due_at FROM tasks t
        WHERE ${isClaimable(sql)} AND routing_key(t.lane) = o.key AND t.priority = o.priority AND t.due_at <= now()
        ORDER BY t.due_at, t.id LIMIT ${places}
      ) d WHERE o.of > 1
    ), share AS MATERIALIZED (
      SELECT key, priority, ${places}::bigint AS places FROM open WHERE of = 1
      UNION ALL
      (SELECT key, priority, count(*) FROM (
        SELECT key, priority FROM ranked
        ORDER BY rank <= ${places - agedPlaces} DESC,
          CASE WHEN ${agedPlaces > 0} AND due_at <= ${agedBefore} THEN due_at END NULLS LAST, rank
        LIMIT ${places}
      ) AS chosen GROUP BY key, priority ORDER BY priority DESC)
    ), due AS MATERIALIZED (
      SELECT d.id FROM share s CROSS JOIN LATERAL (
        SELECT t.id FROM tasks t
        WHERE ${isClaimable(sql)} AND routing_key(t.lane) = s.key AND t.priority = s.priority AND t.due_at <= now()
        ORDER BY t.due_at, t.id LIMIT s.places FOR UPDATE SKIP LOCKED
      ) d
    ), placed AS (
      SELECT id, row_number() OVER () AS n FROM due
    )
    UPDATE tasks t SET picked_at = now(), attempt = t.attempt + 1, worker_id = (${workerIds}::bigint[])[p.n]
    FROM placed p WHERE t.id = p.id
    RETURNING ${claimed(sql)}`
}

/** That another kind of workers with free slots runs what is of level `l`. */
const isLeftTo = (sql: Sql, others: string[]) => sql`EXISTS (
  SELECT FROM unnest(${others}::text[]) AS o (kind) WHERE runs_routing_key(l.key,
    needs_of(string_to_array(split_part(o.kind, '/', 1), ',')), string_to_array(split_part(o.kind, '/', 2), ',')))`

/**
 * ms until the first task that nobody holds, and that workers with these capabilities run, is due by the database's
 * clock (negative: overdue), or null. What `governed.ts` claims is left out.
 */
export async function msUntilNextDue(sql: Sql, can: Capabilities = PLAIN): Promise<number | null> {
  const [row] = await sql<{ ms: number | null }[]>`
    WITH RECURSIVE ${levels(sql, kindOf(sql, can))}
    SELECT (1000 * extract(epoch FROM min(next.due_at) - clock_timestamp()))::float8 AS ms
    FROM level l CROSS JOIN LATERAL (
      SELECT t.due_at FROM tasks t
      WHERE ${isClaimable(sql)} AND ${isOfLevel(sql)}
      ORDER BY t.due_at LIMIT 1
    ) next
    WHERE NOT ${isLimited(sql, sql`l.lane`)}`
  return row?.ms ?? null
}

/** A report as the worker of that id made it. */
export type WorkerReport = Report & { workerId: number }

/** ms on the monotonic clock that the reports' times are on. */
type MonotonicNow = number

/**
 * Records what workers report, all in one statement. A report of an attempt that was given up, or of a task
 * that has ended, changes nothing. Times are set by the database's clock, never before the pick. An attempt
 * that failed after it was asked to stop counts as cancelled.
 */
export async function settleTasks(sql: Sql, reports: WorkerReport[], now: MonotonicNow): Promise<void> {
  await sql`
    UPDATE tasks t SET
      started_at = CASE WHEN r.kind = 'cancelled' AND r.started_ago IS NULL THEN t.started_at ELSE coalesce(t.started_at,
        greatest(t.picked_at, now() - coalesce(r.started_ago, r.ended_ago, 0) * interval '1 ms')) END,
      completed_at = CASE WHEN r.kind = 'completed' THEN ${endedAt(sql)} END,
      failed_at = CASE WHEN r.kind = 'failed' AND t.cancel_requested_at IS NULL THEN ${endedAt(sql)} END,
      cancelled_at = CASE WHEN r.kind = 'cancelled' OR (r.kind = 'failed' AND t.cancel_requested_at IS NOT NULL) THEN ${endedAt(sql)} END,
      failures = t.failures + (r.kind = 'failed')::int,
      slot = r.slot, error = r.error, error_stack = r.stack, output = r.output, result = r.result::jsonb
    FROM ${unnestReports(sql, reports, now)}
    WHERE ${isCurrentAttempt(sql)}`
}

/**
 * Puts back the failed attempts that have a retry left, due after an exponential backoff with full jitter: the
 * task's own, or the one given. Call before `settleTasks` with the same reports, which then ends the others.
 */
export async function retryTasks(
  sql: Sql,
  reports: WorkerReport[],
  now: MonotonicNow,
  { baseMs, capMs }: { baseMs: number; capMs: number },
): Promise<void> {
  await sql`
    UPDATE tasks t SET
      due_at = now() + random() * least(
        coalesce(t.retry_backoff_cap_ms, ${capMs}),
        coalesce(t.retry_backoff_ms, ${baseMs}) * 2 ^ least(t.failures, 30)) * interval '1 ms',
      failures = t.failures + 1, error = r.error, error_stack = r.stack, output = r.output, progress = NULL,
      picked_at = NULL, started_at = NULL, worker_id = NULL, slot = NULL
    FROM ${unnestReports(sql, reports, now)}
    WHERE ${isCurrentAttempt(sql)} AND r.kind = 'failed' AND t.failures < t.max_retries
      AND t.cancel_requested_at IS NULL`
}

/**
 * Puts tasks back that their worker did not start, uncharged, or ends them when that was asked for.
 *
 * @returns how many it still held
 */
export async function returnTasks(sql: Sql, given: TaskRef[]): Promise<number> {
  const refs = given.toSorted(byTask)
  const result = await sql`
    UPDATE tasks t SET ${putBack(sql)}
    FROM unnest(${refs.map((r) => r.taskId)}::uuid[], ${refs.map((r) => r.attempt)}::int[]) AS r (task_id, attempt)
    WHERE t.id = r.task_id AND t.attempt = r.attempt AND ${isHolding(sql)}`
  return result.count
}

/** A task that a worker has by the table and not by its connection, the one of that session. */
export type Unheld = TaskRef & { workerId: number; session: string }

/**
 * Puts back what workers do not hold although the table says so, unless they have registered again since: then what was
 * known of them is out of date. Their rows are locked, so that a later registration sees either all of this or prevents it.
 *
 * @returns how many tasks were put back
 */
export async function returnUnheld(sql: Sql, given: Unheld[]): Promise<number> {
  const refs = given.toSorted(byTask)
  const result = await sql`
    WITH given AS MATERIALIZED (
      SELECT r.* FROM unnest(${refs.map((r) => r.taskId)}::uuid[], ${refs.map((r) => r.attempt)}::int[],
        ${refs.map((r) => r.workerId)}::bigint[], ${refs.map((r) => r.session)}::uuid[])
        WITH ORDINALITY AS r (task_id, attempt, worker_id, session, n)
    ), current AS MATERIALIZED (
      SELECT w.id, w.session FROM workers w
      WHERE w.id = ANY(${[...new Set(refs.map((r) => r.workerId))]}::bigint[])
        AND w.session = ANY(${[...new Set(refs.map((r) => r.session))]}::uuid[])
      ORDER BY w.id FOR SHARE
    ), valid AS MATERIALIZED (
      SELECT g.* FROM given g WHERE EXISTS (SELECT FROM current c WHERE c.id = g.worker_id AND c.session = g.session) ORDER BY g.n
    )
    UPDATE tasks t SET ${putBack(sql)}
    FROM valid r WHERE t.id = r.task_id AND t.attempt = r.attempt AND t.worker_id = r.worker_id AND ${isHolding(sql)}`
  return result.count
}

/** An attempt that a worker holds by the table. */
export type HeldAttempt = TaskRef & { workerId: number; started: boolean; cancelRequested: boolean }

export function findHeld(sql: Sql, workerIds: number[]): Promise<HeldAttempt[]> {
  return sql`
    SELECT t.id AS "taskId", t.attempt, t.worker_id AS "workerId", t.started_at IS NOT NULL AS started,
      t.cancel_requested_at IS NOT NULL AS "cancelRequested"
    FROM tasks t WHERE t.worker_id = ANY(${workerIds}::bigint[]) AND ${isHeld(sql)}`
}

/** The current attempt of each of these tasks, or null of one that is not held, for reporters that do not know attempts. */
export async function findHeldAttempts(
  sql: Sql,
  taskIds: string[],
): Promise<({ attempt: number; workerId: number } | null)[]> {
  const rows = await sql<{ id: string; attempt: number; workerId: number }[]>`
    SELECT t.id, t.attempt, t.worker_id AS "workerId"
    FROM unnest(${taskIds}::uuid[]) AS g (id) JOIN tasks t ON t.id = g.id WHERE ${isHolding(sql)}`
  const byId = new Map(rows.map(({ id, ...held }) => [id, held]))
  return taskIds.map((id) => byId.get(id.toLowerCase()) ?? null)
}

const isCurrentAttempt = (sql: Sql) => sql`
  t.id = r.task_id AND t.attempt = r.attempt AND t.worker_id = r.worker_id AND ${isHolding(sql)}`

const endedAt = (sql: Sql) => sql`
  greatest(t.picked_at, t.started_at, now() - coalesce(least(r.started_ago, r.ended_ago), 0) * interval '1 ms')`

/** ms that nothing is older than: three years. */
const LONGEST_AGO_MS = 1e11
const ago = (now: number, at: number | null) =>
  at === null ? null : Math.min(Math.max(0, now - at) || 0, LONGEST_AGO_MS)

/** Workers that are not ours may say anything. */
const MAX_SLOT = 32_767

/**
 * The order in which statements that are given many tasks lock them, as those in control.ts do: two that have
 * tasks in common then wait for each other, and never in a circle.
 */
const byTask = (a: TaskRef, b: TaskRef) => (a.taskId < b.taskId ? -1 : a.taskId > b.taskId ? 1 : 0)

/** Most tasks say nothing: then what they could have said is not sent for each. */
const unnestReports = (sql: Sql, given: WorkerReport[], now: number) => {
  const reports = given.toSorted(byTask)
  const how = sql`
    ${reports.map((r) => r.taskId)}::uuid[], ${reports.map((r) => r.attempt)}::int[],
    ${reports.map((r) => r.workerId)}::bigint[], ${reports.map((r) => r.kind)}::text[],
    ${reports.map((r) => Math.min(r.slot, MAX_SLOT))}::smallint[], ${reports.map((r) => ago(now, r.startedAt))}::float8[],
    ${reports.map((r) => ago(now, r.endedAt))}::float8[]`
  if (!reports.some(saysSomething)) {
    return sql`(
      SELECT *, NULL::text AS error, NULL::text AS output, NULL::text AS result, NULL::text AS stack
      FROM unnest(${how}) AS u (task_id, attempt, worker_id, kind, slot, started_ago, ended_ago)) AS r`
  }
  return sql`
    unnest(${how}, ${reports.map((r) => r.error)}::text[], ${reports.map((r) => r.output)}::text[],
      ${reports.map((r) => r.result ?? null)}::text[], ${reports.map((r) => r.stack ?? null)}::text[]
    ) AS r (task_id, attempt, worker_id, kind, slot, started_ago, ended_ago, error, output, result, stack)`
}

const saysSomething = ({ error, output, result, stack }: WorkerReport) =>
  (error ?? output ?? result ?? stack ?? null) !== null
