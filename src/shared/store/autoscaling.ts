import type { Sql } from './connect.ts'
import { anyKind, isClaimable, isLimited, isOfLevel, type Kinds, kindsOf, levels } from './lanes.ts'

/**
 * Whether it is this process's turn to look: once in `intervalMs` it is, for one process.
 *
 * @returns the time of the latest turn by the database's clock, and what was kept at the one before
 */
export async function takeTurn(
  sql: Sql,
  intervalMs: number,
): Promise<{ isMine: boolean; at: Date; kept: unknown }> {
  const [mine] = await sql<{ at: Date; kept: unknown }[]>`
    UPDATE autoscaling SET looked_at = now()
    WHERE one AND looked_at <= now() - ${intervalMs} * interval '1 ms'
    RETURNING looked_at AS at, kept`
  if (mine) return { isMine: true, ...mine }
  const [other] = await sql<[{ at: Date; kept: unknown }]>`SELECT looked_at AS at, kept FROM autoscaling`
  return { isMine: false, ...other }
}

/** Keeps what the next to look has to know. */
export async function rememberTurn(sql: Sql, kept: object): Promise<void> {
  await sql`UPDATE autoscaling SET kept = ${JSON.stringify(kept)}::text::jsonb WHERE one`
}

/**
 * How many tasks are due that no worker has, as far as `limit`: along tasks_claimable, level by level. Where a queue has
 * a limit, more workers would not help; nor would more of the same where none of those that are there runs the task.
 */
export async function countDue(sql: Sql, limit: number): Promise<number> {
  const fleet: Kinds = sql`
    ${kindsOf(sql, sql`workers w WHERE w.offline_at IS NULL`)}
    UNION ALL SELECT * FROM (${anyKind(sql)}) AS any_kind WHERE NOT EXISTS (SELECT FROM workers WHERE offline_at IS NULL)`
  const [row] = await sql<{ count: number }[]>`
    WITH RECURSIVE ${levels(sql, fleet)}
    SELECT count(*) FROM (
      SELECT FROM (SELECT DISTINCT * FROM level) l CROSS JOIN LATERAL (
        SELECT FROM tasks t
        WHERE ${isClaimable(sql)} AND ${isOfLevel(sql)} AND t.due_at <= now()
        LIMIT ${limit}
      ) d WHERE NOT ${isLimited(sql, sql`l.lane`)} LIMIT ${limit}
    ) AS due`
  return row?.count ?? 0
}
