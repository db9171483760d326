import { TASK_STATES, type TaskState } from '../core/task.ts'
import type { Sql } from './connect.ts'

/** Every kept count by its name (see sql/0001_baseline.sql), all of one instant. */
export async function readCounts(sql: Sql): Promise<Map<string, number>> {
  const rows = await sql<{ name: string; value: number }[]>`SELECT name, value FROM current_counts`
  return new Map(rows.map(({ name, value }) => [name, value]))
}

/** Folds finished deltas into the counts; cheap, and safe to call from everywhere. */
export async function foldCounts(sql: Sql): Promise<void> {
  await sql`SELECT fold_counts()`
}

/** How many tasks are in each state, all of one instant. */
export async function readStateCounts(sql: Sql): Promise<Record<TaskState, number>> {
  const rows = await sql<{ name: TaskState; value: number }[]>`
    SELECT name, value FROM current_counts WHERE name = ANY(${[...TASK_STATES]}::text[])`
  const counts = Object.fromEntries(TASK_STATES.map((state) => [state, 0])) as Record<TaskState, number>
  for (const { name, value } of rows) counts[name] = value
  return counts
}
