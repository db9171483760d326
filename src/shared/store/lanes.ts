import type { Capabilities } from '../core/lane.ts'
import type { Sql } from './connect.ts'

/** That task `t` may be claimed once it is due and its queue lets it: written as the predicate of tasks_claimable is. */
export const isClaimable = (sql: Sql) => sql`
  t.picked_at IS NULL AND t.cancelled_at IS NULL AND t.failed_at IS NULL AND t.waits_for = 0
  AND t.concurrency_key IS NULL`

/** The same of those that have a key: written as the predicate of tasks_keyed is. */
export const isKeyedClaimable = (sql: Sql) => sql`
  t.picked_at IS NULL AND t.cancelled_at IS NULL AND t.failed_at IS NULL AND t.waits_for = 0
  AND t.concurrency_key IS NOT NULL`

/**
 * The recursive CTE `level (lane, priority)`: each priority of each lane that some claimable task has, the highest
 * of each lane first, one look into tasks_claimable each.
 */
export const levels = (sql: Sql) => sql`
  level (lane, priority) AS (
    (SELECT t.lane, t.priority FROM tasks t WHERE ${isClaimable(sql)} ORDER BY t.lane, t.priority DESC LIMIT 1)
    UNION ALL
    SELECT next.lane, next.priority FROM level l CROSS JOIN LATERAL (
      (SELECT t.lane, t.priority FROM tasks t
        WHERE ${isClaimable(sql)} AND t.lane = l.lane AND t.priority < l.priority ORDER BY t.priority DESC LIMIT 1)
      UNION ALL
      (SELECT t.lane, t.priority FROM tasks t
        WHERE ${isClaimable(sql)} AND t.lane > l.lane ORDER BY t.lane, t.priority DESC LIMIT 1)
      LIMIT 1
    ) next
  )`

/** That workers with these capabilities run what is in `lane`. */
export const isOpenTo = (sql: Sql, lane: ReturnType<Sql>, { executors, labels }: Capabilities) => sql`(
  lane_need(${lane}) = ANY(${executors}::text[]) AND lane_labels(${lane}) <@ ${labels}::text[])`

/** That worker `w` runs what is in `lane`. */
export const isRunBy = (sql: Sql, lane: ReturnType<Sql>) => sql`(
  lane_need(${lane}) = ANY(w.executors) AND lane_labels(${lane}) <@ w.labels)`

/** That the queue of `lane` has a limit, or is paused: then only the governed claim may take from it. */
export const isLimited = (sql: Sql, lane: ReturnType<Sql>) => sql`
  EXISTS (SELECT FROM queues q WHERE q.name = lane_queue(${lane}) COLLATE "C" AND q.limited)`
