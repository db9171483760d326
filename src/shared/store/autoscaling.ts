import type { Sql } from './connect.ts'

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
