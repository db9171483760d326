import type postgres from 'postgres'
import type { Sql } from './connect.ts'
import { isKey, isSame } from './lookup.ts'

/** What is in flight, and how an attempt comes to its end: the tables `held`, `ready` and `attempts`. */

type Fragment = postgres.Fragment

/** That record `t` has ended; in words that match no partial index, for statements that know the task's id. */
export const hasEnded = (sql: Sql) => sql`num_nonnulls(t.completed_at, t.failed_at, t.cancelled_at) > 0`

export interface Conclusion {
  /**
   * The attempts: a statement that deletes rows of `held` and returns them, or that locks them and returns them, in the order of
   * their tasks. Either sees each as it is last, however many changed it meanwhile, and nobody else has it.
   */
  mine: Fragment
  /** Whether they are deleted. */
  areDeleted: boolean
  /** What becomes of record `t`, but for the number of its attempts, by what `mine` returned as `h`. */
  set: Fragment
  /** Which of them. */
  where: Fragment
  /** What the attempt came to, of a task that is pending again: an outcome of table attempts. */
  outcome: Fragment
  /** The event of a task that is pending again. */
  kind: 'retrying' | 'reassigned'
}

/** That row `h` of `held` is of the attempt `(task_id, attempt)` of `of`. */
export const isAttempt = (sql: Sql, of: Fragment) => sql`
  ${isKey(sql, sql`h.task_id`, sql`${of}.task_id`)} AND ${isSame(sql, sql`h.attempt`, sql`${of}.attempt`)}`

/** What `mine` has to return of row `h` of `held`. */
export const ofHeld = (sql: Sql) => sql`
  h.task_id, h.attempt, h.worker_id, h.slot, h.picked_at, h.started_at, h.progress`

/**
 * The CTEs that end attempts: the record ends, or goes back to those that may be claimed. `concluded` has a row for each;
 * `noted` has the notices of it; it and `levelled` have to be read by the statement, which `concludedCount` does.
 */
export const concluding = (sql: Sql, { mine, areDeleted, set, where, outcome, kind }: Conclusion) => sql`
  mine AS (${mine}),
  concluded AS (
    UPDATE task_records t SET attempt = h.attempt, ${set}
    FROM mine h
    WHERE ${isKey(sql, sql`t.id`, sql`h.task_id`)} AND t.attempt = h.attempt - 1 AND NOT ${hasEnded(sql)} AND ${where}
    RETURNING t.id AS task_id, t.attempt, h.worker_id, coalesce(t.slot, h.slot) AS slot, h.picked_at, h.started_at, t.priority,
      t.due_at, t.lane, t.concurrency_key, t.waits_for, t.has_dependents, t.error, ${outcome} AS outcome,
      CASE WHEN h.started_at IS NULL THEN 'assigned' ELSE 'running' END AS was,
      CASE WHEN t.completed_at IS NOT NULL THEN 'completed' WHEN t.failed_at IS NOT NULL THEN 'failed'
        WHEN t.cancelled_at IS NOT NULL THEN 'cancelled' ELSE 'pending' END AS state,
      1000 * date_part('epoch', coalesce(t.completed_at, t.failed_at) - t.started_at) AS ms
  ), ${
    areDeleted
      ? sql``
      : sql`released AS (
    DELETE FROM held h USING concluded c WHERE ${isAttempt(sql, sql`c`)}
  ),`
  } past AS (
    INSERT INTO attempts (task_id, attempt, worker_id, slot, picked_at, started_at, ended_at, outcome, error)
    SELECT c.task_id, c.attempt, c.worker_id, c.slot, c.picked_at, c.started_at, greatest(now(), c.picked_at, c.started_at), c.outcome, c.error
    FROM concluded c WHERE c.state = 'pending' ON CONFLICT DO NOTHING
  ), requeued AS (
    INSERT INTO ready (task_id, due_at, attempt, priority, routing, lane, concurrency_key)
    SELECT c.task_id, c.due_at, c.attempt + 1, c.priority, routing_key(c.lane), c.lane, c.concurrency_key
    FROM concluded c WHERE c.state = 'pending' AND c.waits_for = 0
  ), noted AS (
    SELECT note_changes(array_agg((c.task_id, c.attempt, c.was, c.state, CASE c.state WHEN 'pending' THEN ${kind} ELSE c.state END,
      c.worker_id, c.slot, c.ms, c.error, c.due_at, c.lane, CASE WHEN c.state <> 'pending' OR c.waits_for = 0 THEN c.concurrency_key END,
      c.has_dependents)::change)) AS notices
    FROM concluded c
  ), levelled AS (
    SELECT note_levels(array_agg(a.lane), array_agg(a.priority)) FROM (
      SELECT DISTINCT c.lane, c.priority FROM concluded c WHERE c.state = 'pending' AND c.waits_for = 0 AND c.concurrency_key IS NULL
    ) AS a
  )`

/** How many attempts the CTEs of `concluding` ended. */
export const concludedCount = (sql: Sql) => sql`(SELECT count(*) FROM concluded, noted, levelled)`

/** What record `t` is set to when its worker gives it back: pending again, or ended when that was asked for meanwhile. */
export const putBack = (sql: Sql) => endIf(sql, sql`false`)

/** As `putBack`, of a lost worker: what ran is charged as a loss, and fails at the `maxLosses`th. */
export const putBackLost = (sql: Sql, maxLosses: number) => {
  const isLast = sql`(t.cancel_requested_at IS NULL AND h.started_at IS NOT NULL AND t.losses + 1 >= ${maxLosses})`
  return sql`
    losses = t.losses + (h.started_at IS NOT NULL)::int,
    error = CASE WHEN ${isLast} THEN 'worker lost ' || (t.losses + 1) || ' times' ELSE t.error END,
    ${endIf(sql, isLast)}`
}

/** The task fails if that holds, and is cancelled if that was asked for: then its last attempt is the one in `h`. */
const endIf = (sql: Sql, fails: Fragment) => {
  const ends = sql`(t.cancel_requested_at IS NOT NULL OR ${fails})`
  const now = sql`greatest(now(), h.picked_at, h.started_at)`
  return sql`
    failed_at = CASE WHEN ${fails} THEN ${now} END,
    cancelled_at = CASE WHEN t.cancel_requested_at IS NOT NULL THEN ${now} END,
    picked_at = CASE WHEN ${ends} THEN h.picked_at END,
    started_at = CASE WHEN ${ends} THEN h.started_at END,
    progress = CASE WHEN ${ends} THEN h.progress END,
    worker_id = CASE WHEN ${ends} THEN h.worker_id END,
    slot = CASE WHEN ${ends} THEN h.slot END`
}

/** That the worker of `h` is not there: then what it has is lost. */
export const isGone = (sql: Sql) => sql`
  NOT EXISTS (SELECT FROM workers w WHERE w.id = h.worker_id AND w.offline_at IS NULL)`
