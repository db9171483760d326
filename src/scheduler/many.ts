import { AppError } from '../shared/core/error.ts'
import type { NewTask } from '../shared/core/task.ts'
import { resolveId } from '../shared/idempotency.ts'
import type { Sql } from '../shared/store/connect.ts'
import { type Edge, insertDependents } from '../shared/store/dependencies.ts'
import { type Duplicate, findHolders, insertAllTasks } from '../shared/store/tasks.ts'

/** How often others may take a key between our look and our insert. */
const TRIES = 5

/** What tasks of one request depend on, in all. */
export const MAX_EDGES = 20_000

/** An edge, and where the request asks for it. */
export interface Dependency extends Edge {
  place: string
}

/** @param before what stands before `depends_on` in messages */
export const dependenciesOf = (
  { id }: Pick<NewTask, 'id'>,
  given: string[] | null | undefined,
  before: string,
): Dependency[] => {
  const places = new Map(given?.map((parent, at) => [parent.toLowerCase(), `${before}depends_on[${at}]`]))
  return [...places].map(([dependsOn, place]) => ({ taskId: id, dependsOn, place }))
}

/**
 * Stores many tasks, all or none. Those under an idempotency key that stands for the same request already, here
 * or in the table, are not stored again.
 *
 * @param dependencies what each of them depends on
 * @param placeOf what stands before messages about one of them
 * @returns the ids of the tasks that they stand for, in order
 * @throws `conflict` naming the place of one whose key stands for something else, `invalid` that of one that depends on
 *   a task that does not exist
 */
export async function storeTogether(
  sql: Sql,
  tasks: NewTask[],
  dependencies: (task: NewTask, index: number) => Dependency[] = () => [],
  placeOf: (index: number) => string = (index) => `tasks[${index}]: `,
): Promise<string[]> {
  const edges = tasks.flatMap(dependencies)
  refuseTooMany(edges)
  const ours = firstOfEachKey(tasks)
  for (let left = TRIES; left > 0; left--) {
    const found = ours.size > 0 ? await findHolders(sql, [...ours.keys()]) : []
    const holders = new Map([...ours, ...found.map((holder) => [holder.idempotencyKey, holder] as const)])
    const ids = tasks.map((task, index) => idOf(task, placeOf(index), holders))
    const fresh = tasks.filter((task, index) => task.id === ids[index])
    if (fresh.length === 0 || (await insertFresh(sql, fresh, edges))) return ids
  }
  throw new AppError('unavailable', 'others take the same idempotency keys; try again')
}

/** @returns false when an idempotency key was taken meanwhile */
async function insertFresh(sql: Sql, tasks: NewTask[], edges: Dependency[]): Promise<boolean> {
  const ids = new Set(tasks.map(({ id }) => id))
  const own = edges.filter(({ taskId }) => ids.has(taskId))
  if (own.length === 0) return await insertAllTasks(sql, tasks)
  const { stored, missing } = await insertDependents(sql, tasks, own)
  refuseMissing(own, missing)
  return stored
}

/** @throws `invalid` when there are too many */
export function refuseTooMany(edges: Dependency[]): void {
  if (edges.length > MAX_EDGES) {
    throw new AppError('invalid', `tasks must have at most ${MAX_EDGES} dependencies in all`)
  }
}

/** @throws `invalid` naming the place of the first edge that leads to nothing */
export function refuseMissing(edges: Dependency[], missing: string[]): void {
  const gone = new Set(missing)
  const wrong = edges.find(({ dependsOn }) => gone.has(dependsOn))
  if (wrong) throw new AppError('invalid', `${wrong.place}: there is no task ${wrong.dependsOn}`)
}

function firstOfEachKey(tasks: NewTask[]): Map<string, Duplicate> {
  const first = new Map<string, Duplicate>()
  for (const { id, idempotencyKey, requestHash } of tasks) {
    if (idempotencyKey === null || first.has(idempotencyKey)) continue
    first.set(idempotencyKey, { idempotencyKey, id, requestHash })
  }
  return first
}

function idOf(task: NewTask, place: string, holders: Map<string, Duplicate>): string {
  try {
    return resolveId(task, holders)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new AppError(error.code, place + error.message)
  }
}
