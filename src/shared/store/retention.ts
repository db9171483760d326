import type { TaskState } from '../core/task.ts'
import type { Sql } from './connect.ts'
import { forgetting, forgotten } from './forget.ts'
import { ofState } from './task-order.ts'

const ENDED_AT = { completed: 'completed_at', failed: 'failed_at', cancelled: 'cancelled_at' } as const

/**
 * Deletes tasks that ended so long ago, and what is known of them alone: one limited batch of one state, the earliest
 * scheduled first. What ended late is looked at again and again until its time comes, never more than `limit`.
 *
 * @returns how many were deleted
 */
export async function deleteEnded(
  sql: Sql,
  state: TaskState & keyof typeof ENDED_AT,
  { ageMs, limit }: { ageMs: number; limit: number },
): Promise<number> {
  const endedAt = sql(ENDED_AT[state])
  const from = sql`(SELECT ctid AS place, id, priority, scheduled_at, ${endedAt} FROM task_records)`
  const where = sql`t.scheduled_at < now() - ${ageMs} * interval '1 ms'`
  const oldest = ofState(sql, state, { from, where, part: { sort: 'scheduled' }, limit })
  // What somebody else has locked is about to change, and is left for another time: so this waits for nobody. A record that is
  // visible to a statement stays at its place, or is looked at anew.
  const [row] = await sql<{ count: number }[]>`
    WITH mine AS MATERIALIZED (
      SELECT t.ctid AS place FROM task_records t
      WHERE t.ctid = ANY (ARRAY(SELECT o.place FROM (${oldest}) AS o WHERE o.${endedAt} < now() - ${ageMs} * interval '1 ms'))
        AND t.${endedAt} IS NOT NULL
      FOR UPDATE SKIP LOCKED
    ), deleted AS (
      DELETE FROM task_records t WHERE t.ctid = ANY (ARRAY(SELECT m.place FROM mine m)) RETURNING ${forgotten(sql)}
    ), ${forgetting(sql, sql`deleted`)}
    SELECT count(*) AS count FROM deleted`
  return row?.count ?? 0
}
