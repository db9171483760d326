import type { TaskRef } from '../core/task.ts'
import { CANCEL_CHANNEL } from './channel.ts'
import type { Sql } from './connect.ts'
import { forgetting, forgotten } from './forget.ts'
import { isHeld } from './held.ts'

/** What an operator does to tasks. Each is one statement and says which of the tasks it concerned. */

export interface Cancelled {
  id: string
  /** False: its worker holds it and is being told; the task says when it has stopped. */
  ended: boolean
}

/** Ends the tasks that nobody holds, and asks the workers of the others to stop them. Ended ones stay as they are. */
export function cancelTasks(sql: Sql, ids: string[]): Promise<Cancelled[]> {
  return sql<Cancelled[]>`
    WITH cancelled AS (
      UPDATE tasks t SET
        cancelled_at = CASE WHEN t.picked_at IS NULL THEN now() END,
        cancel_requested_at = coalesce(t.cancel_requested_at, now())
      FROM ${inOrder(sql, ids)} WHERE t.id = r.id AND t.state IN ('pending', 'assigned', 'running')
      RETURNING t.id, t.cancelled_at IS NOT NULL AS ended, t.worker_id
    ), told AS (
      SELECT notify_hint(${CANCEL_CHANNEL}, CASE WHEN count(DISTINCT worker_id) <= 500 THEN string_agg(DISTINCT worker_id::text, ',') ELSE '*' END)
      FROM cancelled WHERE NOT ended HAVING count(*) > 0
    )
    SELECT id, ended FROM cancelled LEFT JOIN told ON true`
}

/** The attempts held by these workers (or by any) that they have been asked to stop. */
export function findCancelRequests(
  sql: Sql,
  workerIds: number[],
): Promise<(TaskRef & { workerId: number })[]> {
  return sql`
    SELECT t.id AS "taskId", t.attempt, t.worker_id AS "workerId" FROM tasks t
    WHERE t.worker_id = ANY(${workerIds}::bigint[]) AND ${isHeld(sql)} AND t.cancel_requested_at IS NOT NULL`
}

/**
 * Gives failed and cancelled tasks a new life with all their retries, due now or at the time they are scheduled for; and
 * with them their dependents that ended because of them, as `sql/0012_revive.sql` says.
 *
 * @returns those of the given ones that were revived
 */
export async function reviveTasks(sql: Sql, ids: string[]): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`SELECT revive_tasks(${ids}::uuid[]) AS id`
  return rows.map(({ id }) => id)
}

/** Makes waiting tasks due now, whatever time they were scheduled for or would be retried at. */
export async function hastenTasks(sql: Sql, ids: string[]): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    WITH hastened AS (
      UPDATE tasks t SET due_at = least(t.due_at, now()), scheduled_at = least(t.scheduled_at, now())
      FROM ${inOrder(sql, ids)} WHERE t.id = r.id AND t.state = 'pending'
      RETURNING t.id
    ), told AS (SELECT notify_hint('taskmaster_due', '0') FROM hastened HAVING count(*) > 0)
    SELECT id FROM hastened LEFT JOIN told ON true`
  return rows.map(({ id }) => id)
}

/** Deletes ended tasks, and what is known of them alone: see `forgetting`. */
export async function discardTasks(sql: Sql, ids: string[]): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    WITH discarded AS (
      DELETE FROM tasks t USING ${inOrder(sql, ids)}
      WHERE t.id = r.id AND t.state IN ('completed', 'failed', 'cancelled')
      RETURNING ${forgotten(sql)}
    ), ${forgetting(sql, sql`discarded`)}
    SELECT id FROM discarded`
  return rows.map(({ id }) => id)
}

/** Locks them in the order in which `dispatch.ts` does, one by one; of `ANY`, the plan decides. */
const inOrder = (sql: Sql, ids: string[]) =>
  sql`unnest(${ids.map((id) => id.toLowerCase()).sort()}::uuid[]) AS r (id)`
