import type { PastAttempt } from '../core/task.ts'
import type { Sql } from './connect.ts'

/** The latest attempts of a task that were not its last, oldest first. */
export async function listAttempts(sql: Sql, taskId: string, limit = 1000): Promise<PastAttempt[]> {
  const rows = await sql<PastAttempt[]>`
    SELECT a.attempt, a.worker_id AS "workerId", w.name AS "workerName", a.slot, a.picked_at AS "pickedAt",
      a.started_at AS "startedAt", a.ended_at AS "endedAt", a.outcome, a.error
    FROM attempts a LEFT JOIN workers w ON w.id = a.worker_id
    WHERE a.task_id = ${taskId} ORDER BY a.attempt DESC LIMIT ${limit}`
  return rows.reverse()
}
