import type { AttemptLog, LogStream, Progress } from '../core/output.ts'
import type { Task } from '../core/task.ts'
import { LOGS_CHANNEL } from './channel.ts'
import type { Sql } from './connect.ts'

/** What a worker says of its attempts. */
export type WorkerLog = AttemptLog & { workerId: number }
export type WorkerProgress = Progress & { workerId: number }

/** A stored line. */
export interface StoredLine {
  attempt: number
  seq: number
  at: Date
  stream: LogStream
  text: string
}

/** A line as one of a page, with the bytes of the page up to here. */
export type ReadLine = StoredLine & { throughBytes: number }

/** Where in a task's lines one lies. */
export type LinePosition = Pick<StoredLine, 'attempt' | 'seq'>

/** Ids in one notice, at most: its payload must stay below 8,000 bytes. */
const MAX_NAMED = 200
/** What workers that are not ours may exceed: the largest integer, and three years. */
const MAX_SEQ = 2 ** 31 - 1
const LONGEST_AGO_MS = 1e11

/**
 * Stores lines of attempts that are their tasks' last and are, or were until they ended, these workers'. Others are
 * left out, and so are lines that are there already.
 *
 * @param now the monotonic clock that the lines' times are on
 */
export async function insertLogs(sql: Sql, logs: WorkerLog[], now: number): Promise<void> {
  const lines = logs.flatMap(({ taskId, attempt, workerId, lines }) =>
    lines.map((line) => ({ taskId, attempt, workerId, ...line })),
  )
  await sql`
    WITH given AS MATERIALIZED (
      SELECT t.id AS task_id, r.attempt, r.seq, now() - r.ago * interval '1 ms' AS at, r.stream, r.text
      FROM unnest(
        ${lines.map((l) => l.taskId)}::uuid[], ${lines.map((l) => l.attempt)}::int[],
        ${lines.map((l) => l.workerId)}::bigint[], ${lines.map((l) => Math.min(l.seq, MAX_SEQ))}::int[],
        ${lines.map((l) => Math.min(Math.max(0, now - l.at) || 0, LONGEST_AGO_MS))}::float8[], ${lines.map((l) => l.stream)}::text[],
        ${lines.map((l) => l.text)}::text[]
      ) AS r (task_id, attempt, worker_id, seq, ago, stream, text)
      JOIN tasks t ON t.id = r.task_id AND t.attempt = r.attempt AND t.worker_id = r.worker_id
    ), stored AS (
      INSERT INTO task_logs (task_id, attempt, seq, at, stream, text) SELECT * FROM given
      ON CONFLICT DO NOTHING RETURNING task_id
    ), ${told(sql, 'stored', 'task_id')}
    SELECT FROM told`
}

/** Says how far these attempts have got, as far as they still run where they did. */
export async function updateProgress(sql: Sql, given: WorkerProgress[]): Promise<void> {
  const progress = given.toSorted((a, b) => (a.taskId < b.taskId ? -1 : a.taskId > b.taskId ? 1 : 0))
  await sql`
    WITH moved AS (
      UPDATE held h SET progress = r.value
      FROM unnest(
        ${progress.map((p) => p.taskId)}::uuid[], ${progress.map((p) => p.attempt)}::int[],
        ${progress.map((p) => p.workerId)}::bigint[], ${progress.map((p) => p.value)}::real[]
      ) AS r (task_id, attempt, worker_id, value)
      WHERE h.task_id = r.task_id AND h.attempt = r.attempt AND h.worker_id = r.worker_id
        AND h.progress IS DISTINCT FROM r.value
      RETURNING h.task_id
    ), ${told(sql, 'moved', 'task_id')}
    SELECT FROM told`
}

/** Tells those who follow, of all that a CTE concerned, by one notice. */
const told = (sql: Sql, cte: string, column: string) => sql`
  told AS (
    SELECT notify_hint(${LOGS_CHANNEL}, CASE WHEN count(DISTINCT ${sql(column)}) <= ${MAX_NAMED}
      THEN string_agg(DISTINCT ${sql(column)}::text, ',') ELSE '*' END)
    FROM ${sql(cte)} HAVING count(*) > 0
  )`

/** So many lines of a task after a position, or so many bytes, in order: attempt by attempt. */
export function listLogs(
  sql: Sql,
  taskId: string,
  after: LinePosition,
  limit: number,
  maxBytes: number = Number.MAX_SAFE_INTEGER,
): Promise<ReadLine[]> {
  return sql<ReadLine[]>`
    SELECT attempt, seq, at, stream, text, through AS "throughBytes" FROM (
      SELECT *, sum(octet_length(text)) OVER (ORDER BY attempt, seq) AS through, octet_length(text) AS own FROM (
        SELECT attempt, seq, at, stream, text FROM task_logs
        WHERE task_id = ${taskId} AND (attempt, seq) > (${after.attempt}::int, ${after.seq}::int)
        ORDER BY attempt, seq LIMIT ${limit}
      ) AS page
    ) AS summed WHERE through - own < ${maxBytes}::bigint ORDER BY attempt, seq`
}

/** Whether there may be lines after these. */
export const hasMore = (lines: ReadLine[], limit: number, maxBytes: number): boolean =>
  lines.length === limit || (lines.at(-1)?.throughBytes ?? 0) >= maxBytes

/** How a task stands, as far as those who follow what it says want to know; null when there is none. */
export async function findStanding(
  sql: Sql,
  taskId: string,
): Promise<Pick<Task, 'state' | 'attempt' | 'progress'> | null> {
  const [standing] = await sql<Pick<Task, 'state' | 'attempt' | 'progress'>[]>`
    SELECT state, attempt, progress FROM tasks WHERE id = ${taskId}`
  return standing ?? null
}
