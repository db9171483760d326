import { type Capabilities, PLAIN } from '../core/lane.ts'
import type { Report } from '../core/report.ts'
import type { Assignment, TaskRef } from '../core/task.ts'
import type { Sql } from './connect.ts'
import { concludedCount, concluding, isAttempt, isGone, ofHeld, putBack } from './held.ts'
import { isClaimable, isLimited, isOfLevel, kindOf, levels } from './lanes.ts'
import { isKey, isSame } from './lookup.ts'
import { type Notices, noticesOnce, tell, tellOnce } from './notices.ts'
import { parentsOf } from './parents.ts'

export interface ClaimedTask extends Assignment {
  workerId: number
  lane: string
  /** Its routing key and its priority. */
  level: string
  /** Epoch ms by the database's clock. */
  dueMs: number
}

/** How the claim orders what is due. */
export interface ClaimOrder {
  /** ms after which a due task counts as aged; null: none does. */
  ageingMs: number | null
  /** How many of the places go to aged tasks first, whatever their priority. */
  agedPlaces: number
  /** Other kinds of workers that have free slots, by `capabilityKey`: of one priority, what they do not run goes first. */
  others?: string[]
  places?: Places
}

/**
 * From where on the claim looks, in epoch ms by the database's clock: what was due before is claimed, or others are at it.
 * So it does not walk past what was deleted there.
 */
export interface Places {
  /** Of a level, by `level` of a claimed task. */
  of: Record<string, number>
  /** Of all others; null: everything is looked at. */
  others: number | null
}

export const EVERYWHERE: Places = { of: {}, others: null }

export const STRICT: ClaimOrder = { ageingMs: null, agedPlaces: 0 }

/**
 * The CTEs that claim the rows of `ready` that are in `due (place, n)`, which this transaction has locked: `place` is the ctid,
 * and the `n`th of these workers has the task. `noted` has the notices of it, and has to be read by the statement, which `claimed` does.
 */
export const claiming = (sql: Sql, workerIds: number[], at: ReturnType<Sql>) => sql`
  taken AS (
    DELETE FROM ready q USING due d WHERE q.ctid = d.place
    RETURNING q.task_id, q.attempt, q.routing || ' ' || q.priority AS level, (${workerIds}::bigint[])[d.n] AS worker_id, greatest(${at}, q.due_at) AS picked_at, q.due_at,
      q.lane, q.concurrency_key
  ), holding AS (
    INSERT INTO held (task_id, attempt, worker_id, picked_at, lane, concurrency_key)
    SELECT k.task_id, k.attempt, k.worker_id, k.picked_at, k.lane, k.concurrency_key FROM taken k
  ), noted AS (
    SELECT note_changes(array_agg((k.task_id, k.attempt, 'pending', 'assigned', 'assigned', k.worker_id, NULL,
      1000 * date_part('epoch', k.picked_at - k.due_at), NULL, k.due_at, k.lane, k.concurrency_key, false)::change)) AS notices
    FROM taken k
  )`

/** The tasks that `claiming` claimed, as ClaimedTask, for `tellOnce`. */
export const claimed = (sql: Sql) => sql`
  SELECT k.task_id AS "taskId", k.attempt, k.worker_id AS "workerId", t.lane, t.command, t.executor, t.payload, t.priority,
    t.timeout_ms AS "timeoutMs", t.cancel_grace_ms AS "cancelGraceMs", ${parentsOf(sql)} AS parents,
    k.level, (1000 * extract(epoch FROM k.due_at))::float8 AS "dueMs", ${noticesOnce(sql)}
  FROM taken k JOIN task_records t ON ${isKey(sql, sql`t.id`, sql`k.task_id`)} CROSS JOIN noted`

/**
 * Claims due tasks: the nth, by priority and then by due time, for the nth worker given. One statement picks,
 * assigns and raises the fencing token; nothing waits for a row that another coordinator is claiming.
 *
 * The priorities of each lane are visited by themselves, each by its own walk along ready_claimable, so that neither
 * what is due later nor what these workers do not run is ever read past. With a single one of them that has something
 * due, its walk is the claim. With more, the first of each are compared to tell how many to take of each. Queues that
 * have limits, and tasks that have a concurrency key, are left to `governed.ts`.
 *
 * @param workerIds one entry per task that may be claimed, in the order of placement
 * @param can what every one of these workers runs
 */
export async function claimTasks(
  sql: Sql,
  workerIds: number[],
  can: Capabilities = PLAIN,
  { ageingMs, agedPlaces, others = [], places: from = EVERYWHERE }: ClaimOrder = STRICT,
): Promise<ClaimedTask[]> {
  const places = workerIds.length
  const agedBefore = sql`(now() - ${ageingMs ?? 0} * interval '1 ms')`
  const tasks = await sql<ClaimedTask[]>`
    WITH RECURSIVE ${levels(sql, kindOf(sql, can))}, open AS MATERIALIZED (
      SELECT l.key, l.priority, l.place, count(*) OVER () AS of, ${isLeftTo(sql, others)} AS left_to_others
      FROM (SELECT *, ${placeOf(sql, from)} AS place FROM level l) l
      WHERE NOT ${isLimited(sql, sql`l.lane`)} AND (
        SELECT true FROM ready t
        WHERE ${isClaimable(sql)} AND ${isOfLevel(sql)} AND t.due_at >= l.place AND t.due_at <= now() LIMIT 1)
    ), ranked AS MATERIALIZED (
      SELECT o.key, o.priority, o.place, d.due_at, row_number() OVER (ORDER BY o.priority DESC, o.left_to_others, d.due_at) AS rank
      FROM open o CROSS JOIN LATERAL (
        SELECT t.due_at FROM ready t
        WHERE ${isClaimable(sql)} AND t.routing = o.key AND t.priority = o.priority AND t.due_at >= o.place AND t.due_at <= now()
        ORDER BY t.due_at, t.task_id LIMIT ${places}
      ) d WHERE o.of > 1
    ), share AS MATERIALIZED (
      SELECT key, priority, place, ${places}::bigint AS places FROM open WHERE of = 1
      UNION ALL
      (SELECT key, priority, place, count(*) FROM (
        SELECT key, priority, place FROM ranked
        ORDER BY rank <= ${places - agedPlaces} DESC,
          CASE WHEN ${agedPlaces > 0} AND due_at <= ${agedBefore} THEN due_at END NULLS LAST, rank
        LIMIT ${places}
      ) AS chosen GROUP BY key, priority, place ORDER BY priority DESC)
    ), due AS MATERIALIZED (
      SELECT d.place, row_number() OVER () AS n FROM share s CROSS JOIN LATERAL (
        SELECT t.ctid AS place FROM ready t
        WHERE ${isClaimable(sql)} AND t.routing = s.key AND t.priority = s.priority AND t.due_at >= s.place AND t.due_at <= now()
        ORDER BY t.due_at, t.task_id LIMIT s.places FOR UPDATE SKIP LOCKED
      ) d
    ), ${claiming(sql, workerIds, sql`now()`)}
    ${claimed(sql)}`
  return tellOnce(sql, tasks)
}

/** From where on level `l` is looked at. */
const placeOf = (sql: Sql, { of, others }: Places) => sql`
  coalesce(to_timestamp(coalesce((${JSON.stringify(of)}::text::jsonb ->> (l.key || ' ' || l.priority))::float8, ${others}::float8) / 1000),
    '-infinity')`

/** That another kind of workers with free slots runs what is of level `l`. */
const isLeftTo = (sql: Sql, others: string[]) => sql`EXISTS (
  SELECT FROM unnest(${others}::text[]) AS o (kind) WHERE runs_routing_key(l.key,
    needs_of(string_to_array(split_part(o.kind, '/', 1), ',')), string_to_array(split_part(o.kind, '/', 2), ',')))`

/**
 * ms until the first task that nobody holds, and that workers with these capabilities run, is due by the database's
 * clock (negative: overdue), or null. What `governed.ts` claims is left out.
 */
export async function msUntilNextDue(
  sql: Sql,
  can: Capabilities = PLAIN,
  places: Places = EVERYWHERE,
): Promise<number | null> {
  return (await lookAhead(sql, can, places)).ms
}

/** As `msUntilNextDue`, with the time at which it was so, in epoch ms. */
export async function lookAhead(
  sql: Sql,
  can: Capabilities,
  places: Places,
): Promise<{ ms: number | null; at: number }> {
  const [row] = await sql<{ ms: number | null; at: number }[]>`
    WITH RECURSIVE ${levels(sql, kindOf(sql, can))}
    SELECT (1000 * extract(epoch FROM min(next.due_at) - clock_timestamp()))::float8 AS ms,
      (1000 * extract(epoch FROM now()))::float8 AS at
    FROM (SELECT *, ${placeOf(sql, places)} AS place FROM level l) l CROSS JOIN LATERAL (
      SELECT t.due_at FROM ready t
      WHERE ${isClaimable(sql)} AND ${isOfLevel(sql)} AND t.due_at >= l.place
      ORDER BY t.due_at LIMIT 1
    ) next
    WHERE NOT ${isLimited(sql, sql`l.lane`)}`
  return row ?? { ms: null, at: 0 }
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
  const begun = reports.filter(({ kind }) => kind === 'started')
  const ended = reports.filter(({ kind }) => kind !== 'started')
  if (begun.length > 0) await beginTasks(sql, begun, now)
  if (ended.length > 0) await endTasks(sql, ended, now)
}

async function beginTasks(sql: Sql, reports: WorkerReport[], now: MonotonicNow): Promise<void> {
  const [row] = await sql<{ notices: Notices }[]>`
    WITH begun AS (
      UPDATE held h SET started_at = ${startedAt(sql, sql`r`)}, slot = r.slot
      FROM ${unnestReports(sql, reports, now)}
      WHERE ${isReported(sql)} AND h.started_at IS NULL
      RETURNING h.task_id, h.attempt, h.worker_id, h.slot, h.lane, h.concurrency_key
    ), noted AS (
      SELECT note_changes(array_agg((b.task_id, b.attempt, 'assigned', 'running', 'running', b.worker_id, b.slot, NULL, NULL, NULL, b.lane,
        b.concurrency_key, false)::change)) AS notices FROM begun b
    )
    SELECT notices FROM noted`
  tell(sql, row?.notices)
}

async function endTasks(sql: Sql, reports: WorkerReport[], now: MonotonicNow): Promise<void> {
  const [row] = await sql<{ notices: Notices }[]>`
    WITH ${concluding(sql, {
      mine: sql`
        DELETE FROM held h USING ${unnestReports(sql, reports, now)} WHERE ${isReported(sql)}
        RETURNING ${ofHeld(sql)}, ${ofReport(sql)}`,
      areDeleted: true,
      set: sql`
        picked_at = h.picked_at, worker_id = h.worker_id, progress = h.progress,
        started_at = CASE WHEN h.kind = 'cancelled' AND h.started_ago IS NULL THEN h.started_at ELSE ${startedAt(sql, sql`h`)} END,
        completed_at = CASE WHEN h.kind = 'completed' THEN ${endedAt(sql)} END,
        failed_at = CASE WHEN h.kind = 'failed' AND t.cancel_requested_at IS NULL THEN ${endedAt(sql)} END,
        cancelled_at = CASE WHEN h.kind = 'cancelled' OR (h.kind = 'failed' AND t.cancel_requested_at IS NOT NULL) THEN ${endedAt(sql)} END,
        failures = t.failures + (h.kind = 'failed')::int,
        slot = h.last_slot, error = h.error, error_stack = h.stack, output = h.output, result = h.result::jsonb`,
      where: sql`true`,
      outcome: sql`NULL::text`,
      kind: 'reassigned',
    })}
    SELECT notices FROM noted`
  tell(sql, row?.notices)
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
  const failed = reports.filter(({ kind }) => kind === 'failed')
  if (failed.length === 0) return
  const [row] = await sql<{ notices: Notices }[]>`
    WITH ${concluding(sql, {
      mine: sql`
        SELECT ${ofHeld(sql)}, ${ofReport(sql)} FROM ${unnestReports(sql, failed, now)} JOIN held h ON ${isReported(sql)}
        FOR UPDATE OF h`,
      areDeleted: false,
      set: sql`
        due_at = now() + random() * least(
          coalesce(t.retry_backoff_cap_ms, ${capMs}),
          coalesce(t.retry_backoff_ms, ${baseMs}) * 2 ^ least(t.failures, 30)) * interval '1 ms',
        failures = t.failures + 1, error = h.error, error_stack = h.stack, output = h.output, progress = NULL`,
      where: sql`t.failures < t.max_retries AND t.cancel_requested_at IS NULL`,
      outcome: sql`'failed'`,
      kind: 'retrying',
    })}
    SELECT notices FROM noted, levelled`
  tell(sql, row?.notices)
}

/**
 * Puts tasks back that their worker did not start, uncharged, or ends them when that was asked for.
 *
 * @returns how many it still held
 */
export async function returnTasks(sql: Sql, given: TaskRef[]): Promise<number> {
  const refs = given.toSorted(byTask)
  const [row] = await sql<{ count: number; notices: Notices }[]>`
    WITH ${concluding(sql, {
      mine: sql`
        DELETE FROM held h
        USING unnest(${refs.map((r) => r.taskId)}::uuid[], ${refs.map((r) => r.attempt)}::int[]) AS r (task_id, attempt)
        WHERE ${isAttempt(sql, sql`r`)} RETURNING ${ofHeld(sql)}`,
      ...putBackAlive(sql),
    })}
    SELECT ${concludedCount(sql)} AS count, (SELECT notices FROM noted) AS notices`
  tell(sql, row?.notices)
  return row?.count ?? 0
}

/** Of a worker that gives a task back. */
const putBackAlive = (sql: Sql) => ({
  areDeleted: true,
  set: putBack(sql),
  where: sql`true`,
  outcome: sql`CASE WHEN ${isGone(sql)} THEN 'lost' ELSE 'returned' END`,
  kind: 'reassigned' as const,
})

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
  const [row] = await sql<{ count: number; notices: Notices }[]>`
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
    ), ${concluding(sql, {
      mine: sql`DELETE FROM held h USING valid r WHERE ${isReported(sql)} RETURNING ${ofHeld(sql)}`,
      ...putBackAlive(sql),
    })}
    SELECT ${concludedCount(sql)} AS count, (SELECT notices FROM noted) AS notices`
  tell(sql, row?.notices)
  return row?.count ?? 0
}

/** An attempt that a worker holds by the table. */
export type HeldAttempt = TaskRef & { workerId: number; started: boolean; cancelRequested: boolean }

export function findHeld(sql: Sql, workerIds: number[]): Promise<HeldAttempt[]> {
  return sql`
    SELECT h.task_id AS "taskId", h.attempt, h.worker_id AS "workerId", h.started_at IS NOT NULL AS started,
      t.cancel_requested_at IS NOT NULL AS "cancelRequested"
    FROM held h JOIN task_records t ON ${isKey(sql, sql`t.id`, sql`h.task_id`)} WHERE h.worker_id = ANY(${workerIds}::bigint[])`
}

/** The current attempt of each of these tasks, or null of one that is not held, for reporters that do not know attempts. */
export async function findHeldAttempts(
  sql: Sql,
  taskIds: string[],
): Promise<({ attempt: number; workerId: number } | null)[]> {
  const rows = await sql<{ id: string; attempt: number; workerId: number }[]>`
    SELECT h.task_id AS id, h.attempt, h.worker_id AS "workerId"
    FROM unnest(${taskIds}::uuid[]) AS g (id) JOIN held h ON ${isKey(sql, sql`h.task_id`, sql`g.id`)}`
  const byId = new Map(rows.map(({ id, ...held }) => [id, held]))
  return taskIds.map((id) => byId.get(id.toLowerCase()) ?? null)
}

/** That row `h` of `held` is the attempt that `r` is of. */
const isReported = (sql: Sql) => sql`
  ${isAttempt(sql, sql`r`)} AND ${isSame(sql, sql`h.worker_id`, sql`r.worker_id`)}`

/** What is told of an attempt. */
const ofReport = (sql: Sql) => sql`
  r.kind, r.slot AS last_slot, r.started_ago, r.ended_ago, r.error, r.output, r.result, r.stack`

/** When it started, by what `r` says of it if that is not known yet. */
const startedAt = (sql: Sql, r: ReturnType<Sql>) => sql`coalesce(h.started_at,
  greatest(h.picked_at, now() - coalesce(${r}.started_ago, ${r}.ended_ago, 0) * interval '1 ms'))`

const endedAt = (sql: Sql) => sql`
  greatest(h.picked_at, h.started_at, now() - coalesce(least(h.started_ago, h.ended_ago), 0) * interval '1 ms')`

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
