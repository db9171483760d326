import type { Sql } from '../../src/shared/store/connect.ts'

/** Fills tables while their indexes, but for the primary keys, are away, and makes those at the end: several times as quick. */
export async function withoutIndexes(
  sql: Sql,
  tables: string[],
  fill: () => Promise<unknown>,
): Promise<void> {
  const indexes = await sql<{ name: string; definition: string }[]>`
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
    FROM pg_index WHERE indrelid = ANY(${tables}::text[]::regclass[]) AND NOT indisprimary`
  for (const { name } of indexes) await sql`DROP INDEX ${sql(name)}`
  await fill()
  for (const { definition } of indexes) await sql.unsafe(definition)
}

/** Lets all tasks be claimed that wait for nothing, and that nobody has: as a submission would have. */
export async function fillReady(sql: Sql): Promise<void> {
  await sql`
    INSERT INTO ready (task_id, due_at, attempt, priority, routing, lane, concurrency_key)
    SELECT t.id, t.due_at, t.attempt + 1, t.priority, routing_key(t.lane), t.lane, t.concurrency_key FROM task_records t
    WHERE t.waits_for = 0 AND coalesce(t.completed_at, t.failed_at, t.cancelled_at) IS NULL`
  await fillLevels(sql)
}

/** Lets claims look for what was put into `ready`. */
export async function fillLevels(sql: Sql): Promise<void> {
  await sql`
    INSERT INTO levels (routing, priority, lane)
    SELECT DISTINCT routing, priority, lane FROM ready WHERE concurrency_key IS NULL`
}

/** Leaves the tables to themselves, so that statistics are those that the test makes. */
export async function withoutAutovacuum(sql: Sql): Promise<void> {
  for (const table of ['task_records', 'ready', 'held'])
    await sql`ALTER TABLE ${sql(table)} SET (autovacuum_enabled = off)`
}
