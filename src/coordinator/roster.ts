import { type Capabilities, capabilityKey } from '../shared/core/lane.ts'
import { movingMean, windowFor } from '../shared/core/window.ts'

/** A task that a worker has been given. */
export interface HeldTask {
  attempt: number
  /** Monotonic ms when it was placed. */
  placedAt: number
  started: boolean
  /** Its end is known but not yet written: its place is free, but it is not anybody else's to run. */
  ended: boolean
}

/**
 * Tasks that a worker may have before it has started any, and then one more for each that it started: one that says that it
 * has a thousand slots and starts nothing holds no more than these.
 */
export const FIRST_TASKS = 16

export interface RosterWorker {
  readonly id: number
  /** How many it runs at once, as far as it has shown. */
  slots: number
  /** How many it says that it runs at once. */
  readonly allSlots: number
  /** Tasks that it has started. */
  shown: number
  readonly can: Capabilities
  /** Equal for those that run the same. */
  readonly kind: string
  /** Every task it holds, by task id, until its end is written. */
  readonly held: Map<string, HeldTask>
  /** How many of `held` have not ended. */
  open: number
  /** Free slots that are promised to tasks which the database is being asked for. */
  promised: number
  /** How many of `held` run. */
  running: number
  /** Monotonic ms when it last said that something started. */
  lastStartAt: number
  /** How many it may hold that have not ended. */
  window: number
  /** The mean run time of its recent tasks in ms, or null while none has ended. */
  runMs: number | null
  /** May it be given work: connected, not draining, not refusing. */
  available: boolean
}

/** Who can run what: the coordinator's picture of its workers, without any I/O. */
export interface Roster {
  add(
    id: number,
    slots: number,
    can: Capabilities,
    held: { taskId: string; attempt: number; started: boolean }[],
    now: number,
    available?: boolean,
  ): RosterWorker
  remove(id: number): void
  get(id: number): RosterWorker | undefined
  all(): Iterable<RosterWorker>
  available(): RosterWorker[]
  setAvailable(id: number, available: boolean): void
  /** Promises a slot for each of these ids, until what is returned is called. */
  promise(ids: number[]): () => void
  /** A task was given to a worker. False when the worker is gone or may not be given work any more. */
  placed(id: number, taskId: string, attempt: number, now: number): boolean
  started(id: number, taskId: string, attempt: number, now: number): void
  /** Every slot has had its task since the last start: it is to be given less until shorter ones end. */
  tookLong(id: number, now: number, roundTripMs: number): void
  /** A task ended or came back; its place is free at once. `runMs` is null when it did not run. */
  ended(id: number, taskId: string, attempt: number, runMs: number | null, roundTripMs: number): void
  /** That it ended is written: nothing is known of it any more. */
  settled(id: number, taskId: string, attempt: number): void
  readonly size: number
}

export function createRoster(): Roster {
  const workers = new Map<number, RosterWorker>()

  function show(worker: RosterWorker) {
    worker.shown++
    if (worker.slots === worker.allSlots) return
    worker.slots = Math.min(worker.allSlots, FIRST_TASKS + worker.shown)
    worker.window = Math.max(worker.window, worker.slots)
  }

  return {
    add(id, slots, can, tasks, now, available = true) {
      const running = tasks.filter(({ started }) => started).length
      const known = Math.min(slots, FIRST_TASKS + running)
      const worker: RosterWorker = {
        id,
        slots: known,
        allSlots: slots,
        shown: running,
        can,
        kind: capabilityKey(can),
        held: new Map(
          tasks.map(({ taskId, attempt, started }) => [
            taskId,
            { attempt, placedAt: now, started, ended: false },
          ]),
        ),
        open: tasks.length,
        promised: 0,
        running,
        lastStartAt: now,
        window: known,
        runMs: null,
        available,
      }
      workers.set(id, worker)
      return worker
    },
    remove: (id) => void workers.delete(id),
    get: (id) => workers.get(id),
    all: () => workers.values(),
    available: () => [...workers.values()].filter((worker) => worker.available),
    setAvailable(id, available) {
      const worker = workers.get(id)
      if (worker) worker.available = available
    },
    promise(ids) {
      const promising = ids.flatMap((id) => workers.get(id) ?? [])
      for (const worker of promising) worker.promised++
      return () => {
        for (const worker of promising) worker.promised--
      }
    },
    placed(id, taskId, attempt, now) {
      const worker = workers.get(id)
      if (!worker?.available) return false
      const before = worker.held.get(taskId)
      // An attempt that others gave up before we heard of it gives its place to the next.
      if (before && !before.ended) {
        worker.open--
        if (before.started) worker.running--
      }
      worker.held.set(taskId, { attempt, placedAt: now, started: false, ended: false })
      worker.open++
      return true
    },
    started(id, taskId, attempt, now) {
      const worker = workers.get(id)
      const task = worker?.held.get(taskId)
      if (!worker || task?.attempt !== attempt || task.started || task.ended) return
      task.started = true
      worker.running++
      worker.lastStartAt = now
      show(worker)
    },
    tookLong(id, now, roundTripMs) {
      const worker = workers.get(id)
      if (!worker) return
      worker.runMs = Math.max(worker.runMs ?? 0, now - worker.lastStartAt)
      worker.window = windowFor(worker.slots, worker.runMs, roundTripMs)
    },
    ended(id, taskId, attempt, runMs, roundTripMs) {
      const worker = workers.get(id)
      const task = worker?.held.get(taskId)
      if (!worker || task?.attempt !== attempt || task.ended) return
      task.ended = true
      worker.open--
      if (task.started) worker.running--
      else if (runMs !== null) show(worker)
      if (runMs !== null) worker.runMs = movingMean(worker.runMs, runMs, 0.1)
      worker.window = windowFor(worker.slots, worker.runMs, roundTripMs)
    },
    settled(id, taskId, attempt) {
      const tasks = workers.get(id)?.held
      const task = tasks?.get(taskId)
      if (task?.attempt === attempt && task.ended) tasks?.delete(taskId)
    },
    get size() {
      return workers.size
    },
  }
}
