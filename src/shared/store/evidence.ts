import type { ParentFailure, TaskState } from '../core/task.ts'
import type { Sql } from './connect.ts'
import { readCounts } from './counts.ts'
import type { Edge } from './dependencies.ts'

// What those who check us from outside read: whole tables, of databases that are theirs alone.

export interface TaskRow {
  id: string
  state: TaskState
  attempt: number
  maxRetries: number
  timeoutMs: number | null
  failures: number
  losses: number
  scheduledAt: number
  pickedAt: number | null
  startedAt: number | null
  completedAt: number | null
  failedAt: number | null
  cancelledAt: number | null
  workerId: number | null
  error: string | null
  idempotencyKey: string | null
  scheduleId: string | null
  tickAt: number | null
  onParentFailure: ParentFailure
}

/** A schedule by interval, and when it has ticks. */
export interface ScheduleRow {
  id: string
  everyMs: number
  anchorAt: number
  /** Null: it has no end. */
  endsAt: number | null
}

/** A row of a ledger. */
export interface TickRow {
  scheduleId: string
  tickAt: number
  outcome: string
  taskId: string | null
}

/** How many lines of an attempt are stored, and how many of them differ. */
export interface LinesRow {
  taskId: string
  attempt: number
  lines: number
  different: number
}

/** A process that was a worker. */
export interface WorkerRow {
  id: number
  name: string
  pid: number
}

/** An attempt that was not the last of its task, or the last before it was given a new life. */
export interface AttemptRow {
  taskId: string
  attempt: number
  workerId: number
  outcome: 'failed' | 'cancelled' | 'lost' | 'returned'
  pickedAt: number
  endedAt: number
  /** When its worker's report says that it started; null: nobody had heard of it. */
  startedAt: number | null
  error: string | null
}

/** The tables as they are now. Call when nothing changes them any more. */
export async function readTables(sql: Sql): Promise<{
  tasks: TaskRow[]
  attempts: AttemptRow[]
  schedules: ScheduleRow[]
  ticks: TickRow[]
  edges: Edge[]
  lines: LinesRow[]
  workers: WorkerRow[]
  counts: Map<string, number>
}> {
  const ms = (column: string) => sql`(1000 * extract(epoch FROM ${sql(column)}))::float8`
  const tasks = await sql<TaskRow[]>`
    SELECT id, state, attempt, max_retries AS "maxRetries", timeout_ms AS "timeoutMs", failures, losses, worker_id AS "workerId", error,
      idempotency_key AS "idempotencyKey", ${ms('scheduled_at')} AS "scheduledAt", ${ms('picked_at')} AS "pickedAt",
      ${ms('started_at')} AS "startedAt", ${ms('completed_at')} AS "completedAt",
      ${ms('failed_at')} AS "failedAt", ${ms('cancelled_at')} AS "cancelledAt",
      schedule_id AS "scheduleId", ${ms('tick_at')} AS "tickAt", coalesce(on_parent_failure, 'fail') AS "onParentFailure"
    FROM tasks`
  const attempts = await sql<AttemptRow[]>`
    SELECT task_id AS "taskId", attempt, worker_id AS "workerId", outcome, ${ms('picked_at')} AS "pickedAt",
      ${ms('started_at')} AS "startedAt", ${ms('ended_at')} AS "endedAt", error FROM attempts`
  const schedules = await sql<ScheduleRow[]>`
    SELECT id, every_ms AS "everyMs", ${ms('anchor_at')} AS "anchorAt", ${ms('ends_at')} AS "endsAt"
    FROM schedules WHERE every_ms IS NOT NULL`
  const ticks = await sql<TickRow[]>`
    SELECT schedule_id AS "scheduleId", ${ms('tick_at')} AS "tickAt", outcome, task_id AS "taskId" FROM schedule_ticks`
  const edges = await sql<Edge[]>`SELECT task_id AS "taskId", depends_on AS "dependsOn" FROM dependencies`
  const lines = await sql<LinesRow[]>`
    SELECT task_id AS "taskId", attempt, count(*)::int AS lines, count(DISTINCT text)::int AS different
    FROM task_logs GROUP BY task_id, attempt`
  const workers = await sql<WorkerRow[]>`SELECT id, name, pid FROM workers`
  const rows = { tasks: [...tasks], attempts: [...attempts], schedules: [...schedules], ticks: [...ticks] }
  return {
    ...rows,
    edges: [...edges],
    lines: [...lines],
    workers: [...workers],
    counts: await readCounts(sql),
  }
}

/** The tasks that have not come to an end, and the schedules that have ticks to come, each in a line. */
export async function describeOpen(sql: Sql): Promise<string[]> {
  const rows = await sql<{ line: string }[]>`
    SELECT format('task %s (%s) is %s at attempt %s of worker %s, due %s', id, name, state, attempt, worker_id, due_at) AS line
    FROM tasks WHERE state IN ('pending', 'assigned', 'running')
    UNION ALL
    SELECT format('schedule %s has a tick at %s', name, next_at) FROM schedules WHERE wake_at IS NOT NULL`
  return rows.map(({ line }) => line)
}

/** Ends every connection that listens, as a fault. */
export async function endListeners(sql: Sql): Promise<void> {
  await sql`
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND query ILIKE 'listen %' AND pid <> pg_backend_pid()`
}
