import { isExcused } from './excuses.ts'
import { attemptKey, type Index } from './indexed.ts'

/** How long a coordinator may give tasks to a worker that was asked to end: until it has heard of that, in ms. */
const HEARSAY_MS = 1500

/** Holds every attempt that was given up against what had happened to its worker by then. */
export function* judgeGivenUp(index: Index): Generator<string | null> {
  const { evidence, history } = index
  const names = new Map(evidence.workers.map(({ id, name }) => [id, name]))
  for (const { taskId, attempt, workerId, outcome, pickedAt, endedAt } of evidence.attempts) {
    const events = history.get(attemptKey(taskId, attempt))
    if ((outcome !== 'lost' && outcome !== 'returned') || !events) continue
    const worker = names.get(workerId)
    const end = events.find(({ event }) => event !== 'start')?.event ?? 'no end'
    yield isExcused(index, worker, pickedAt, endedAt)
      ? null
      : `attempt ${attemptKey(taskId, attempt)} is ${outcome}, though ${worker} was sound; its executor saw ${end}`
  }
}

/** Holds every claim for a worker against the moment at which that worker was asked to end. */
export function* judgeDraining({ evidence }: Index): Generator<string | null> {
  const draining = new Map<number, number>()
  for (const { fault, from, pids } of evidence.disturbances) {
    if (fault.kind !== 'terminate' && fault.kind !== 'restart-draining') continue
    for (const { id, pid } of evidence.workers)
      if (pids.includes(pid)) draining.set(id, Math.min(from, draining.get(id) ?? from))
  }
  const names = new Map(evidence.workers.map(({ id, name }) => [id, name]))
  const claims = [...evidence.attempts, ...evidence.tasks.map((task) => ({ ...task, taskId: task.id }))]
  for (const { taskId, attempt, workerId, pickedAt } of claims) {
    const since = draining.get(workerId ?? -1)
    if (since === undefined || pickedAt === null || pickedAt < since) continue
    const lateMs = pickedAt - since
    const name = names.get(workerId ?? -1)
    yield lateMs <= HEARSAY_MS || isDeaf(evidence, name, since, pickedAt)
      ? null
      : `attempt ${attemptKey(taskId, attempt)} was given to ${name} ${Math.round(lateMs)} ms after that was asked to end`
  }
}

/** Whether a coordinator may not have heard by then that a worker was asked to end: it, the worker or its way was blocked. */
function isDeaf(
  { disturbances }: Index['evidence'],
  worker: string | undefined,
  from: number,
  until: number,
) {
  const blocks = ['path', 'freeze', 'frozen-database', 'postgres', 'database-errors', 'idle-connections']
  return disturbances.some(
    ({ fault, targets, ...time }) =>
      blocks.includes(fault.kind) &&
      time.from <= until &&
      (time.to ?? Number.POSITIVE_INFINITY) >= from - 1000 &&
      (targets.length === 0 || targets.some((name) => name === worker || name.startsWith('coordinator'))),
  )
}
