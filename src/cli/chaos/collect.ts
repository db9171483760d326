import type { Sql } from '../../shared/store/connect.ts'
import { readCounts } from '../../shared/store/counts.ts'
import type { AttemptRow, HistoryEvent, TaskRow } from './evidence.ts'

/** What the executors wrote. The last line of one that was killed may be half. */
export async function readHistory(file: string): Promise<HistoryEvent[]> {
  const text = await Bun.file(file)
    .text()
    .catch(() => '')
  return text.split('\n').flatMap((line) => {
    const parsed = parse(line)
    if (!parsed) return []
    const { task_id: taskId, attempt, event, pid, at } = parsed
    return [{ taskId, attempt, event, pid, at }]
  })
}

type Line = Omit<HistoryEvent, 'taskId'> & { task_id: string }

function parse(line: string): Line | null {
  try {
    return JSON.parse(line) as Line
  } catch {
    return null
  }
}

/** The tables as they are now. Call when nothing changes them any more. */
export async function readTables(
  sql: Sql,
): Promise<{ tasks: TaskRow[]; attempts: AttemptRow[]; counts: Map<string, number> }> {
  const ms = (column: string) => sql`(1000 * extract(epoch FROM ${sql(column)}))::float8`
  const tasks = await sql<TaskRow[]>`
    SELECT id, state, attempt, max_retries AS "maxRetries", failures, losses, worker_id AS "workerId", error,
      idempotency_key AS "idempotencyKey", ${ms('scheduled_at')} AS "scheduledAt", ${ms('picked_at')} AS "pickedAt",
      ${ms('started_at')} AS "startedAt", ${ms('completed_at')} AS "completedAt",
      ${ms('failed_at')} AS "failedAt", ${ms('cancelled_at')} AS "cancelledAt"
    FROM tasks`
  const attempts = await sql<AttemptRow[]>`
    SELECT task_id AS "taskId", attempt, outcome, ${ms('picked_at')} AS "pickedAt", error FROM attempts`
  return { tasks: [...tasks], attempts: [...attempts], counts: await readCounts(sql) }
}

/** The tasks that have not come to an end, each in a line. */
export async function describeOpen(sql: Sql): Promise<string[]> {
  const rows = await sql<{ line: string }[]>`
    SELECT format('task %s (%s) is %s at attempt %s of worker %s, due %s', id, name, state, attempt, worker_id, due_at) AS line
    FROM tasks WHERE state IN ('pending', 'assigned', 'running') ORDER BY due_at`
  return rows.map(({ line }) => line)
}
