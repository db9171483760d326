import { createBatcher } from '../shared/batcher.ts'
import { laneOf } from '../shared/core/lane.ts'
import type { NewTask } from '../shared/core/task.ts'
import type { Log } from '../shared/log.ts'
import type { ExpressTask } from '../shared/store/express.ts'
import type { Claims } from './claims.ts'
import { placeInSlots } from './placement.ts'
import type { Roster } from './roster.ts'
import type { Rounds } from './rounds.ts'

/** Tasks stored by one statement, at most, and those that may wait for one. */
const MAX_TASKS = 256
const MAX_WAITING = 10_000

/** What came of a task: nothing, or it is stored; `unknown`: it may be. */
export type ExpressOutcome = 'refused' | 'stored' | 'unknown'

export interface ExpressOptions {
  roster: Roster
  rounds: Rounds
  log: Log
  store: Claims['express']
  /** A claim that is on its way, to which slots are promised that it may not need; null: there is none. */
  claiming: () => Promise<unknown> | null
  /** Passes on what is committed. */
  dispatch: (tasks: ExpressTask[]) => void
  /** Puts back what is committed and whose worker is gone. */
  giveBack: (tasks: ExpressTask[]) => void
  /** Slots that were promised are free after all. */
  onRoom: () => void
  /** A statement failed that may have claimed. */
  onUnsure: () => void
}

/** Stores tasks that are due now already claimed, group-committed, and sends them to their workers at once. */
export interface Express {
  /** @param isWanted whether somebody still waits for the outcome when its turn comes; else it is refused */
  store(task: NewTask, isWanted: () => boolean): Promise<ExpressOutcome>
  /** Whether a task may be held by the table and not yet by the roster. */
  isOnItsWay(taskId: string): boolean
  /** Refuses what comes from now on, and resolves when the rest has its outcome. */
  close(): Promise<void>
}

interface Offer {
  task: NewTask
  isWanted: () => boolean
}

export function createExpress(options: ExpressOptions): Express {
  const { roster, rounds, log } = options
  const onTheirWay = new Set<string>()

  async function write(offers: Offer[]): Promise<ExpressOutcome[]> {
    const wanted = offers.filter(({ isWanted }) => isWanted()).map(({ task }) => task)
    const lanes = wanted.map(laneOf)
    const place = () => placeInSlots(lanes, roster.available(), rounds)
    let workers = place()
    const claiming = workers.includes(null) ? options.claiming() : null
    if (claiming) {
      await claiming
      workers = place()
    }
    const placed = wanted.flatMap((task, index) => {
      const worker = workers[index]
      return worker ? [{ task, workerId: worker.id, can: worker.can, worker }] : []
    })
    if (placed.length === 0) return offers.map(() => 'refused')
    const outcomes = new Map<string, ExpressOutcome>()
    const release = roster.promise(placed.map(({ workerId }) => workerId))
    for (const { task } of placed) onTheirWay.add(task.id)
    try {
      const stored = await options.store(placed)
      release()
      for (const { taskId } of stored) outcomes.set(taskId, 'stored')
      rounds.note(stored.map(({ workerId }) => workerId))
      // A worker that has registered anew meanwhile was told that it does not hold this.
      const isThere = new Map(placed.map(({ task, worker }) => [task.id, roster.get(worker.id) === worker]))
      const lost = stored.filter(({ taskId }) => !isThere.get(taskId))
      options.dispatch(stored.filter(({ taskId }) => isThere.get(taskId)))
      if (lost.length > 0) options.giveBack(lost)
      if (stored.length < placed.length) options.onRoom()
    } catch (error) {
      release()
      log.warn({ err: error, tasks: placed.length }, 'Could not store tasks by the express path')
      for (const { task } of placed) outcomes.set(task.id, 'unknown')
      options.onUnsure()
    } finally {
      for (const { task } of placed) onTheirWay.delete(task.id)
    }
    return offers.map(({ task }) => outcomes.get(task.id) ?? 'refused')
  }

  const storing = createBatcher<Offer, ExpressOutcome>({
    write,
    maxItems: MAX_TASKS,
    maxWaiting: MAX_WAITING,
  })
  return {
    store: (task, isWanted) => storing.add({ task, isWanted }).catch(() => 'refused' as const),
    isOnItsWay: (taskId) => onTheirWay.has(taskId),
    close: () => storing.close(),
  }
}
