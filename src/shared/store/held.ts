import type { Sql } from './connect.ts'

/** That a worker holds task `t`: written as the predicate of the index tasks_held is. */
export const isHeld = (sql: Sql) => sql`
  t.picked_at IS NOT NULL AND t.completed_at IS NULL AND t.failed_at IS NULL AND t.cancelled_at IS NULL`

/**
 * The same in words that match no partial index, for statements that know the task's id: whatever the planner
 * believes of the table, it looks the task up, not through all that are held.
 */
export const isHolding = (sql: Sql) => sql`t.state IN ('assigned', 'running')`

/**
 * The assignments that take task `t` from its worker: back to pending, or ended when that was asked for
 * meanwhile.
 */
export const putBack = (sql: Sql) => sql`
  cancelled_at = CASE WHEN t.cancel_requested_at IS NOT NULL THEN greatest(now(), t.picked_at, t.started_at) END,
  ${release(sql, sql`t.cancel_requested_at IS NOT NULL`)}`

/** As `putBack`, for a lost worker: what ran is charged as a loss, and fails at the `maxLosses`th. */
export const putBackLost = (sql: Sql, maxLosses: number) => {
  const isLast = sql`(t.cancel_requested_at IS NULL AND t.started_at IS NOT NULL AND t.losses + 1 >= ${maxLosses})`
  return sql`
    losses = t.losses + (t.started_at IS NOT NULL)::int,
    error = CASE WHEN ${isLast} THEN 'worker lost ' || (t.losses + 1) || ' times' ELSE t.error END,
    failed_at = CASE WHEN ${isLast} THEN greatest(now(), t.picked_at, t.started_at) END,
    cancelled_at = CASE WHEN t.cancel_requested_at IS NOT NULL THEN greatest(now(), t.picked_at, t.started_at) END,
    ${release(sql, sql`(t.cancel_requested_at IS NOT NULL OR ${isLast})`)}`
}

const release = (sql: Sql, ends: ReturnType<Sql>) => sql`
  picked_at = CASE WHEN ${ends} THEN t.picked_at END,
  started_at = CASE WHEN ${ends} THEN t.started_at END,
  progress = CASE WHEN ${ends} THEN t.progress END,
  worker_id = CASE WHEN ${ends} THEN t.worker_id END,
  slot = CASE WHEN ${ends} THEN t.slot END`
