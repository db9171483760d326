import { PLAIN } from '../../src/shared/core/lane.ts'
import { newTask as coreTask, type NewTask } from '../../src/shared/core/task.ts'
import type { Sql } from '../../src/shared/store/connect.ts'
import { type ClaimedTask, claimTasks, type WorkerReport } from '../../src/shared/store/dispatch.ts'
import { insertTasks } from '../../src/shared/store/tasks.ts'
import { type Decision, readInstant, registerWorker } from '../../src/shared/store/workers.ts'

export const COORDINATOR = crypto.randomUUID()

/** A task that is due now, unless told otherwise. */
export function newTask(more: Partial<NewTask> = {}): NewTask {
  return coreTask({
    id: Bun.randomUUIDv7(),
    command: 'test',
    scheduledAt: new Date(Date.now() - 1000),
    ...more,
  })
}

/** Inserts so many alike and returns their ids. */
export async function insert(sql: Sql, count: number, more: Partial<NewTask> = {}): Promise<string[]> {
  const tasks = Array.from({ length: count }, () => newTask(more))
  await insertTasks(sql, tasks)
  return tasks.map(({ id }) => id)
}

/** Claims so many for one worker. */
export function claim(sql: Sql, count: number, workerId = 1): Promise<ClaimedTask[]> {
  return claimTasks(sql, Array<number>(count).fill(workerId))
}

/** Inserts and claims one task. */
export async function hold(sql: Sql, more: Partial<NewTask> = {}, workerId = 1): Promise<ClaimedTask> {
  await insert(sql, 1, more)
  const [task] = await claim(sql, 1, workerId)
  return task!
}

/** A report of a claimed task: at `now`, having run from 20 to 10 ms ago. */
export function reportOf(
  { taskId, attempt, workerId }: Pick<ClaimedTask, 'taskId' | 'attempt' | 'workerId'>,
  kind: WorkerReport['kind'],
  more: Partial<WorkerReport> = {},
): WorkerReport {
  const ended = kind === 'completed' || kind === 'failed'
  return {
    ...{ taskId, attempt, workerId, kind, slot: 2, error: null, output: null },
    startedAt: kind === 'returned' ? null : NOW - 20,
    endedAt: ended ? NOW - 10 : null,
    ...more,
  }
}

/** The monotonic clock of `reportOf`. */
export const NOW = 1_000_000

/** Registers a worker and returns its session. */
export async function register(sql: Sql, id: number, name = `w${id}`): Promise<string> {
  const session = crypto.randomUUID()
  const identity = { id, name, address: '', link: 'stream' as const, slots: 5, ...PLAIN }
  await registerWorker(sql, { ...identity, hostname: 'host', pid: 1 }, COORDINATOR, session)
  return session
}

/** A decision that was just taken. */
export async function decided(sql: Sql, withinMs = 60_000): Promise<Decision> {
  return { at: await readInstant(sql), withinMs }
}

/** How the table is, whatever the counts say. */
export async function statesInTable(sql: Sql): Promise<Record<string, number>> {
  const rows = await sql<{ state: string; count: number }[]>`
    SELECT state, count(*) AS count FROM tasks GROUP BY state ORDER BY state`
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
}

/** Empties the tables, so that the tests of one file can take turns on one database. */
export async function reset(sql: Sql): Promise<void> {
  await sql`TRUNCATE task_records, ready, held, levels, workers, counts, count_deltas, lane_keys, rate_uses, dependencies, ended_parents, workflows, idempotency_keys`
}
