import type { Sql } from './connect.ts'
import { isKey, isSame } from './lookup.ts'

type Fragment = ReturnType<Sql>

/** What a statement that deletes records of tasks returns of each, `t`, for `forgetting`. */
export const forgotten = (sql: Sql) => sql`
  t.id, t.idempotency_key, coalesce(t.parents, 0) > 0 AS had_parents, t.workflow_id, CASE WHEN t.completed_at IS NOT NULL THEN 'completed'
    WHEN t.failed_at IS NOT NULL THEN 'failed' ELSE 'cancelled' END AS state`

/**
 * The CTEs that count tasks that are deleted no more, and delete with them what is known of them alone: their attempts, what they
 * said, what they depended on, and workflows that have no other task. Their idempotency keys are free again. What depended on them stays as it is, since whoever changes what a task depends
 * on holds its lock; dependents that have not been told of their end yet still will be.
 *
 * @param deleted the name of a CTE that returned `forgotten`
 */
export const forgetting = (sql: Sql, deleted: Fragment) => sql`
  counted AS (
    INSERT INTO count_deltas (names, amounts) SELECT array_agg(s.state), array_agg(-s.count)
    FROM (SELECT d.state, count(*) AS count FROM ${deleted} d GROUP BY d.state) AS s HAVING count(*) > 0
  ),
  forgotten AS (DELETE FROM attempts a USING ${deleted} d WHERE ${isKey(sql, sql`a.task_id`, sql`d.id`)}),
  unkeyed AS (
    DELETE FROM idempotency_keys k USING ${deleted} d
    WHERE d.idempotency_key IS NOT NULL AND ${isKey(sql, sql`k.key`, sql`d.idempotency_key`)} AND ${isSame(sql, sql`k.task_id`, sql`d.id`)}
  ),
  unsaid AS (DELETE FROM task_logs l USING ${deleted} d WHERE ${isKey(sql, sql`l.task_id`, sql`d.id`)}),
  unbound AS (DELETE FROM dependencies e USING ${deleted} d WHERE d.had_parents AND ${isKey(sql, sql`e.task_id`, sql`d.id`)}),
  emptied AS (
    DELETE FROM workflows w USING (SELECT DISTINCT d.workflow_id FROM ${deleted} d WHERE d.workflow_id IS NOT NULL) AS of
    WHERE ${isKey(sql, sql`w.id`, sql`of.workflow_id`)} AND (
      SELECT true FROM task_records o WHERE o.workflow_id = w.id AND o.id NOT IN (SELECT d.id FROM ${deleted} d) LIMIT 1) IS NULL
  )`
