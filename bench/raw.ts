import { type NewTask, newTask } from '../src/shared/core/task.ts'
import type { Sql } from '../src/shared/store/connect.ts'
import { type ClaimedTask, claimTasks, settleTasks } from '../src/shared/store/dispatch.ts'
import { insertTasks } from '../src/shared/store/tasks.ts'

const BATCH = 1000

/** Instantaneous tasks that are due now; `fields` gives what else the task of a number has. */
export function newTasks(count: number, fields: (index: number) => Partial<NewTask> = () => ({})): NewTask[] {
  const scheduledAt = new Date()
  const one = (_: unknown, index: number) =>
    newTask({
      id: Bun.randomUUIDv7(),
      command: 'bench',
      payload: { duration_ms: 0 },
      scheduledAt,
      ...fields(index),
    })
  return Array.from({ length: count }, one)
}

/**
 * Stores so many tasks.
 *
 * @returns the id of the first: those of the others are greater
 */
export async function preload(
  sql: Sql,
  count: number,
  fields?: Parameters<typeof newTasks>[1],
): Promise<string> {
  let first = ''
  for (let left = count; left > 0; left -= BATCH) {
    const tasks = newTasks(Math.min(BATCH, left), fields)
    first ||= tasks[0]?.id ?? ''
    await insertTasks(sql, tasks)
  }
  return first
}

export interface RawResult {
  insertPerSecond: number
  claimPerSecond: number
  settlePerSecond: number
  /** Tasks per second when one connection claims and settles, batch after batch. */
  claimAndSettlePerSecond: number
}

/** What SQL alone can do: the very statements of the services, in batches of 1,000, one connection. */
export async function measureRaw(sql: Sql, count: number): Promise<RawResult> {
  const workers = Array.from({ length: BATCH }, (_, index) => 1 + (index % 3))
  let insertMs = 0
  let claimMs = 0
  let settleMs = 0
  const time = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
    const startedAt = performance.now()
    const result = await work()
    return [result, performance.now() - startedAt]
  }
  ;[, insertMs] = await time(() => preload(sql, count))
  for (let left = count; left > 0; left -= BATCH) {
    const [claimed, took] = await time<ClaimedTask[]>(() => claimTasks(sql, workers))
    claimMs += took
    const now = performance.now()
    const reports = claimed.map(({ taskId, attempt, workerId }, index) => ({
      taskId,
      attempt,
      workerId,
      kind: 'completed' as const,
      slot: index % 5,
      startedAt: now - 0.1,
      endedAt: now,
      error: null,
      output: null,
    }))
    settleMs += (await time(() => settleTasks(sql, reports, now)))[1]
  }
  const perSecond = (ms: number) => Math.round((count / ms) * 1000)
  return {
    insertPerSecond: perSecond(insertMs),
    claimPerSecond: perSecond(claimMs),
    settlePerSecond: perSecond(settleMs),
    claimAndSettlePerSecond: perSecond(claimMs + settleMs),
  }
}
