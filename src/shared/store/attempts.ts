import type { PastAttempt } from '../core/task.ts'
import type { Sql } from './connect.ts'
import { cut } from './task-columns.ts'

/** Bytes of errors of a task's attempts, the latest first, that are read whole; further ones are cut. */
const ERRORS = 1024 * 1024

/** The latest attempts of a task that were not its last, oldest first. */
export async function listAttempts(sql: Sql, taskId: string, limit = 1000): Promise<PastAttempt[]> {
  const rows = await sql<PastAttempt[]>`
    SELECT a.attempt, a.worker_id AS "workerId", w.name AS "workerName", a.slot, a.picked_at AS "pickedAt",
      a.started_at AS "startedAt", a.ended_at AS "endedAt", a.outcome,
      CASE WHEN sum(octet_length(a.error)) OVER (ORDER BY a.attempt DESC) <= ${ERRORS} THEN a.error
        ELSE ${cut(sql, sql`a.error`)} END AS error
    FROM attempts a LEFT JOIN workers w ON w.id = a.worker_id
    WHERE a.task_id = ${taskId} ORDER BY a.attempt DESC LIMIT ${limit}`
  return rows.reverse()
}
