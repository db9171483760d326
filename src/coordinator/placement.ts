import type { Capabilities } from '../shared/core/lane.ts'
import type { RosterWorker } from './roster.ts'

type Candidate = Pick<RosterWorker, 'id' | 'slots' | 'open' | 'window'>

/** Workers that run the same. */
export interface Kind {
  kind: string
  can: Capabilities
  /** Free slots of all of them. */
  free: number
  workers: RosterWorker[]
}

/**
 * The workers by what they run: those with free slots first, and of these the ones that run the least, so that those
 * that run more stay free for what nobody else does.
 */
export function groupByKind(workers: RosterWorker[]): Kind[] {
  const kinds = new Map<string, Kind>()
  for (const worker of workers) {
    const { kind, can, slots, open } = worker
    const known = kinds.get(kind)
    const free = Math.max(0, slots - open)
    if (known) {
      known.workers.push(worker)
      known.free += free
    } else kinds.set(kind, { kind, can, free, workers: [worker] })
  }
  const breadth = ({ can }: Kind) => can.executors.length + can.labels.length
  return [...kinds.values()].sort(
    (a, b) =>
      Number(b.free > 0) - Number(a.free > 0) || breadth(a) - breadth(b) || (a.kind < b.kind ? -1 : 1),
  )
}

/**
 * The worker for each of the next tasks, in turn: first one for every free slot, round-robin from the
 * worker after `last`, then, round-robin again, what may be queued.
 *
 * @param candidates workers that may be given work
 * @param last the worker that was given the latest task, or null
 * @param limit at most so many
 * @returns worker ids, one per task
 */
export function placeRoundRobin(candidates: Candidate[], last: number | null, limit: number): number[] {
  const sorted = [...candidates].sort((a, b) => a.id - b.id)
  const from = last === null ? 0 : sorted.findIndex(({ id }) => id > last)
  const order = from <= 0 ? sorted : [...sorted.slice(from), ...sorted.slice(0, from)]
  const placed: number[] = []
  const given = new Map<number, number>()
  const fill = (roomOf: (candidate: Candidate) => number) => {
    let open = order.filter((candidate) => roomOf(candidate) > (given.get(candidate.id) ?? 0))
    while (open.length > 0 && placed.length < limit) {
      for (const { id } of open.slice(0, limit - placed.length)) {
        placed.push(id)
        given.set(id, (given.get(id) ?? 0) + 1)
      }
      open = open.filter((candidate) => roomOf(candidate) > (given.get(candidate.id) ?? 0))
    }
  }
  fill(({ slots, open }) => slots - open)
  fill(({ window, open }) => window - open)
  return placed
}

/**
 * Whether to claim now. While every slot has work and workers still hold most of what they may, waiting a
 * little makes the next claim larger and costs nobody time.
 */
export function isWorthClaiming(candidates: Candidate[]): boolean {
  let room = 0
  let queueable = 0
  for (const { slots, open, window } of candidates) {
    if (open < slots) return true
    room += Math.max(0, window - open)
    queueable += window - slots
  }
  return room > 0 && room * 4 >= queueable
}

export interface Recall {
  workerId: number
  tasks: { taskId: string; attempt: number }[]
}

/**
 * What to take back from workers of one kind that have tasks queued behind running ones, because slots elsewhere are
 * free and nothing else is due: as many as there are free slots, the newest first.
 *
 * @param now monotonic ms
 * @param patienceMs how long a task may be queued before it counts as stuck
 */
export function chooseRecalls(workers: RosterWorker[], now: number, patienceMs: number): Recall[] {
  let free = workers.reduce((sum, { slots, open }) => sum + Math.max(0, slots - open), 0)
  const recalls: Recall[] = []
  const crowded = workers.filter(({ open, slots }) => open > slots).sort((a, b) => b.open - a.open)
  for (const worker of crowded) {
    if (free <= 0) break
    const stuck = [...worker.held]
      .filter(([, task]) => !task.started && !task.ended && now - task.placedAt >= patienceMs)
      .slice(-Math.min(free, worker.open - worker.slots))
    if (stuck.length === 0) continue
    free -= stuck.length
    recalls.push({ workerId: worker.id, tasks: stuck.map(([taskId, { attempt }]) => ({ taskId, attempt })) })
  }
  return recalls
}
