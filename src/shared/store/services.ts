import type { Sql } from './connect.ts'

export interface RunningService {
  id: string
  kind: 'scheduler' | 'coordinator'
  /** host:port where it can be asked how it is. */
  address: string
}

/** A service that was seen a short while ago. */
export interface SeenService {
  id: string
  address: string
  /** ms since it last wrote its row, by the database's clock. */
  silentMs: number
}

/** Writes that a service runs: one update of its row in place. */
export async function beatService(sql: Sql, { id, kind, address }: RunningService): Promise<void> {
  await sql`
    INSERT INTO services (id, kind, address) VALUES (${id}, ${kind}, ${address})
    ON CONFLICT (id) DO UPDATE SET seen_at = now()`
}

/** Coordinators that were seen in the last `withinMs`, the latest to start first. */
export function listCoordinators(sql: Sql, withinMs: number, limit: number): Promise<SeenService[]> {
  return sql<SeenService[]>`
    SELECT id, address, 1000 * extract(epoch FROM now() - seen_at)::float8 AS "silentMs" FROM services
    WHERE kind = 'coordinator' AND seen_at > now() - ${withinMs} * interval '1 ms'
    ORDER BY started_at DESC, id LIMIT ${limit}`
}

/** Whether a scheduler of this id runs: whoever knows it has read it in the database, or is that scheduler. */
export async function isScheduler(sql: Sql, id: string): Promise<boolean> {
  const rows = await sql`SELECT FROM services WHERE id = ${id} AND kind = 'scheduler'`
  return rows.length > 0
}

/** Removes the row of a service that ends. */
export async function removeService(sql: Sql, id: string): Promise<void> {
  await sql`DELETE FROM services WHERE id = ${id}`
}

/** Removes the rows of services that ended without saying so, this long ago. */
export async function forgetServices(sql: Sql, silentMs: number): Promise<void> {
  await sql`DELETE FROM services WHERE seen_at < now() - ${silentMs} * interval '1 ms'`
}
