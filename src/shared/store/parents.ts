import { PARENT_LIMITS } from '../core/parents.ts'
import type { Sql } from './connect.ts'
import { isKey } from './lookup.ts'

/**
 * What the tasks that task `t` depends on came to, as core/parents.ts describes it: by their keys in its workflow, or
 * else by their ids. NULL for one that depends on nothing, without a look. What is too much in all is left out, of the
 * last by name.
 */
export const parentsOf = (sql: Sql) => sql`
  CASE WHEN t.parents > 0 THEN (
    SELECT jsonb_object_agg(o.name, CASE WHEN o.total <= ${PARENT_LIMITS.all} THEN o.outcome
      ELSE o.outcome || '{"result": null, "output": null, "cut": true}' END)
    FROM (
      SELECT w.name, w.outcome, sum(octet_length(w.outcome::text) + octet_length(w.name)) OVER (ORDER BY w.name) AS total
      FROM (
        SELECT CASE WHEN p.workflow_id = t.workflow_id THEN p.workflow_key ELSE p.id::text END AS name,
          jsonb_build_object('task_id', p.id, 'state', p.state, 'output', left(p.output, ${PARENT_LIMITS.output}), 'result', p.result)
            || CASE WHEN length(p.output) > ${PARENT_LIMITS.output} THEN '{"cut": true}' ELSE '{}' END::jsonb AS outcome
        FROM dependencies d JOIN tasks p ON ${isKey(sql, sql`p.id`, sql`d.depends_on`)} WHERE ${isKey(sql, sql`d.task_id`, sql`t.id`)}
      ) AS w
    ) AS o
  ) END`
