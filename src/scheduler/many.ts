import { AppError } from '../shared/core/error.ts'
import type { NewTask } from '../shared/core/task.ts'
import type { Sql } from '../shared/store/connect.ts'
import { type Duplicate, findHolders, insertAllTasks } from '../shared/store/tasks.ts'
import { resolveId } from './idempotency.ts'

/** How often others may take a key between our look and our insert. */
const TRIES = 5

/**
 * Stores many tasks, all or none. Those under an idempotency key that stands for the same request already, here
 * or in the table, are not stored again.
 *
 * @returns the ids of the tasks that they stand for, in order
 * @throws `conflict` naming the place of one whose key stands for something else
 */
export async function storeTogether(sql: Sql, tasks: NewTask[]): Promise<string[]> {
  const ours = firstOfEachKey(tasks)
  for (let left = TRIES; left > 0; left--) {
    const found = ours.size > 0 ? await findHolders(sql, [...ours.keys()]) : []
    const holders = new Map([...ours, ...found.map((holder) => [holder.idempotencyKey, holder] as const)])
    const ids = tasks.map((task, index) => idOf(task, index, holders))
    const fresh = tasks.filter((task, index) => task.id === ids[index])
    if (fresh.length === 0 || (await insertAllTasks(sql, fresh))) return ids
  }
  throw new AppError('unavailable', 'others take the same idempotency keys; try again')
}

function firstOfEachKey(tasks: NewTask[]): Map<string, Duplicate> {
  const first = new Map<string, Duplicate>()
  for (const { id, idempotencyKey, requestHash } of tasks) {
    if (idempotencyKey === null || first.has(idempotencyKey)) continue
    first.set(idempotencyKey, { idempotencyKey, id, requestHash })
  }
  return first
}

function idOf(task: NewTask, index: number, holders: Map<string, Duplicate>): string {
  try {
    return resolveId(task, holders)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new AppError(error.code, `tasks[${index}]: ${error.message}`)
  }
}
