import type { Sql } from './connect.ts'

/**
 * The recursive CTE `level (priority)`: each priority that some claimable task has, from the highest, one
 * look into tasks_claimable each. (Its last row is null.)
 */
export const levels = (sql: Sql) => sql`
  level AS (
    (SELECT priority FROM tasks WHERE picked_at IS NULL AND cancelled_at IS NULL ORDER BY priority DESC LIMIT 1)
    UNION ALL
    SELECT (
      SELECT t.priority FROM tasks t
      WHERE t.picked_at IS NULL AND t.cancelled_at IS NULL AND t.priority < l.priority
      ORDER BY t.priority DESC LIMIT 1
    ) FROM level l WHERE l.priority IS NOT NULL
  )`
