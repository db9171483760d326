import type { Sql } from './connect.ts'
import { isKey } from './lookup.ts'

type Fragment = ReturnType<Sql>

/** What a statement that deletes records of tasks returns of each, `t`, for `forgetting`. */
export const forgotten = (sql: Sql) => sql`
  t.id, t.idempotency_key, coalesce(t.parents, 0) > 0 AS had_parents, t.workflow_id,
  CASE WHEN t.completed_at IS NOT NULL THEN 'completed' WHEN t.failed_at IS NOT NULL THEN 'failed' ELSE 'cancelled' END AS state`

/**
 * The CTEs that count tasks that are deleted no more, and delete with them what is known of them alone: their attempts, what they
 * said, what they depended on, and workflows that have no other task. Their idempotency keys are free again. What depended on
 * them stays as it is, since whoever changes what a task depends on holds its lock; dependents that have not been told of their
 * end yet still will be.
 *
 * @param deleted the name of a CTE that returned `forgotten`
 */
export const forgetting = (sql: Sql, deleted: Fragment) => {
  // All of a statement in one array: that can only be looked up, as `isKey`, and is one walk along the index.
  const those = (what: Fragment, which = sql`true`) =>
    sql`ARRAY(SELECT ${what} FROM ${deleted} d WHERE ${which})`
  return sql`
  counted AS (
    INSERT INTO count_deltas (names, amounts) SELECT array_agg(s.state), array_agg(-s.count)
    FROM (SELECT d.state, count(*) AS count FROM ${deleted} d GROUP BY d.state) AS s HAVING count(*) > 0
  ),
  forgotten AS (DELETE FROM attempts a WHERE a.task_id = ANY (${those(sql`d.id`)})),
  unkeyed AS (
    DELETE FROM idempotency_keys k WHERE k.key = ANY (${those(sql`d.idempotency_key`, sql`d.idempotency_key IS NOT NULL`)})
  ),
  unsaid AS (DELETE FROM task_logs l WHERE l.task_id = ANY (${those(sql`d.id`)})),
  unbound AS (DELETE FROM dependencies e WHERE e.task_id = ANY (${those(sql`d.id`, sql`d.had_parents`)})),
  emptied AS (
    DELETE FROM workflows w USING (SELECT DISTINCT d.workflow_id FROM ${deleted} d WHERE d.workflow_id IS NOT NULL) AS of
    WHERE ${isKey(sql, sql`w.id`, sql`of.workflow_id`)} AND (
      SELECT true FROM task_records o WHERE o.workflow_id = w.id AND o.id NOT IN (SELECT d.id FROM ${deleted} d) LIMIT 1) IS NULL
  )`
}
