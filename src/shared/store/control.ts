import type { TaskRef } from '../core/task.ts'
import type { Sql } from './connect.ts'
import { forgetting, forgotten } from './forget.ts'
import { hasEnded } from './held.ts'
import { isKey } from './lookup.ts'

/** What an operator does to tasks. Each is one statement and says which of the tasks it concerned. */

export interface Cancelled {
  id: string
  /** False: its worker holds it and is being told; the task says when it has stopped. */
  ended: boolean
}

/** Ends the tasks that nobody holds, and asks the workers of the others to stop them. Ended ones stay as they are. */
export function cancelTasks(sql: Sql, ids: string[]): Promise<Cancelled[]> {
  return sql<Cancelled[]>`SELECT id, ended FROM cancel_tasks(${sorted(ids)}::uuid[])`
}

/** The attempts held by these workers (or by any) that they have been asked to stop. */
export function findCancelRequests(
  sql: Sql,
  workerIds: number[],
): Promise<(TaskRef & { workerId: number })[]> {
  return sql`
    SELECT h.task_id AS "taskId", h.attempt, h.worker_id AS "workerId" FROM held h JOIN task_records t ON ${isKey(sql, sql`t.id`, sql`h.task_id`)}
    WHERE h.worker_id = ANY(${workerIds}::bigint[]) AND t.cancel_requested_at IS NOT NULL`
}

/**
 * Gives failed and cancelled tasks a new life with all their retries, due now or at the time they are scheduled for; and
 * with them their dependents that ended because of them, as `revive_tasks` of sql/0001_baseline.sql says.
 *
 * @returns those of the given ones that were revived
 */
export async function reviveTasks(sql: Sql, ids: string[]): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`SELECT revive_tasks(${ids}::uuid[]) AS id`
  return rows.map(({ id }) => id)
}

/** Makes waiting tasks due now, whatever time they were scheduled for or would be retried at. */
export async function hastenTasks(sql: Sql, ids: string[]): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`SELECT hasten_tasks(${sorted(ids)}::uuid[]) AS id`
  return rows.map(({ id }) => id)
}

/** Deletes ended tasks, and what is known of them alone: see `forgetting`. */
export async function discardTasks(sql: Sql, ids: string[]): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    WITH discarded AS (
      DELETE FROM task_records t USING unnest(${sorted(ids)}::uuid[]) AS r (id)
      WHERE ${isKey(sql, sql`t.id`, sql`r.id`)} AND ${hasEnded(sql)}
      RETURNING ${forgotten(sql)}
    ), ${forgetting(sql, sql`discarded`)}
    SELECT id FROM discarded`
  return rows.map(({ id }) => id)
}

/** The order in which statements that are given many tasks lock them, as those in dispatch.ts do. */
const sorted = (ids: string[]) => ids.map((id) => id.toLowerCase()).sort()
