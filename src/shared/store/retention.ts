import type { TaskState } from '../core/task.ts'
import type { Sql } from './connect.ts'
import { forgetting, forgotten } from './forget.ts'
import { isKey } from './lookup.ts'
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
  const [row] = await sql<{ count: number }[]>`
    WITH old AS (
      SELECT id FROM (${ofState(sql, state, {
        where: sql`t.scheduled_at < now() - ${ageMs} * interval '1 ms'`,
        part: { sort: 'scheduled' },
        limit,
      })}) AS oldest WHERE ${endedAt} < now() - ${ageMs} * interval '1 ms'
    ), deleted AS (
      DELETE FROM task_records t USING old WHERE ${isKey(sql, sql`t.id`, sql`old.id`)} AND t.${endedAt} IS NOT NULL RETURNING ${forgotten(sql)}
    ), ${forgetting(sql, sql`deleted`)}
    SELECT count(*) AS count FROM deleted`
  return row?.count ?? 0
}
