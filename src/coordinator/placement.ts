import { type Capabilities, runsLane } from '../shared/core/lane.ts'
import type { RosterWorker } from './roster.ts'

type Candidate = Pick<RosterWorker, 'id' | 'slots' | 'open' | 'promised' | 'window'>

/** Tasks that it has, or is about to have. */
const taken = ({ open, promised }: Pick<Candidate, 'open' | 'promised'>) => open + promised

/** Workers that run the same. */
export interface Kind {
  kind: string
  can: Capabilities
  /** Free slots of all of them. */
  free: number
  workers: RosterWorker[]
}

/** The workers by what they run. */
export function groupByKind(workers: RosterWorker[]): Kind[] {
  const kinds = new Map<string, Kind>()
  for (const worker of workers) {
    const { kind, can, slots } = worker
    const known = kinds.get(kind)
    const free = Math.max(0, slots - taken(worker))
    if (known) {
      known.workers.push(worker)
      known.free += free
    } else kinds.set(kind, { kind, can, free, workers: [worker] })
  }
  return [...kinds.values()]
}

/** What to claim next, and for whom. */
export interface NextClaim {
  of: Kind
  /** One for each task that may be claimed. */
  workerIds: number[]
  /** The other kinds that have free slots. */
  others: Kind[]
}

export interface Turn {
  /** The worker that was given the latest task, or null. */
  last: number | null
  /** Workers that were given a task in the round that goes on, in which each with a free slot is given one. */
  served: ReadonlySet<number>
  /** The kind for which the latest claim found as much as it asked for, if nothing was heard of since; or null. */
  sure: string | null
}

/**
 * Chooses the next claim so that tasks spread over free slots whatever their workers are: while several kinds have some,
 * their workers take turns, one task each in a round. Only where no slot is free anything is queued behind what runs.
 *
 * @param kinds those for which something may wait
 * @param all every kind; while others have free slots, one is given little until it is seen that they do not run what it finds
 * @param limit at most so many tasks
 * @returns null: there is no room, or it is not worth it yet
 */
export function chooseClaim(kinds: Kind[], all: Kind[], turn: Turn, limit: number): NextClaim | null {
  const { last, served, sure } = turn
  const withFree = kinds.filter(({ free }) => free > 0)
  const [only] = withFree
  const othersThan = (of: Kind) => all.filter((kind) => kind !== of && kind.free > 0)
  if (!only) {
    const of = kinds.find(({ workers }) => isWorthClaiming(workers))
    return of ? { of, workerIds: placeRoundRobin(of.workers, last, limit), others: othersThan(of) } : null
  }
  if (withFree.length === 1) {
    const others = othersThan(only)
    const round = only.workers.filter(isFree).length
    const most = all.length === 1 ? limit : others.length === 0 || sure === only.kind ? only.free : round
    const places = Math.min(most, limit)
    return { of: only, workerIds: placeRoundRobin(only.workers, last, places), others }
  }
  const free = withFree.flatMap(({ workers }) => workers).filter(isFree)
  const left = free.filter(({ id }) => !served.has(id))
  const round = inTurn(left.length > 0 ? left : free, last)
  const of = withFree.find(({ kind }) => kind === round[0]?.kind) ?? only
  return {
    of,
    workerIds: round.flatMap(({ id, kind }) => (kind === of.kind ? id : [])).slice(0, limit),
    others: othersThan(of),
  }
}

const isFree = (worker: Candidate) => taken(worker) < worker.slots

/**
 * The worker with a free slot for each of these tasks, or null: in turn, as `chooseClaim` has them, among all that run it.
 *
 * @param lanes one for each task
 */
export function placeInSlots(
  lanes: string[],
  workers: RosterWorker[],
  { last, served }: Pick<Turn, 'last' | 'served'>,
): (RosterWorker | null)[] {
  let order = inTurn(workers.filter(isFree), last)
  const given = new Map<number, number>()
  const servedNow = new Set(served)
  const kindsOf = new Map(lanes.map((lane) => [lane, new Map<string, boolean>()]))
  const runs = ({ kind, can }: RosterWorker, lane: string) => {
    const kinds = kindsOf.get(lane)
    const known = kinds?.get(kind) ?? runsLane(can, lane)
    kinds?.set(kind, known)
    return known
  }
  return lanes.map((lane) => {
    const able = order.filter((worker) => runs(worker, lane))
    const chosen = able.find(({ id }) => !servedNow.has(id)) ?? able[0] ?? null
    if (!chosen) return null
    const { id, slots } = chosen
    if (servedNow.has(id)) servedNow.clear()
    servedNow.add(id)
    given.set(id, (given.get(id) ?? 0) + 1)
    const isFull = taken(chosen) + (given.get(id) ?? 0) >= slots
    const at = order.indexOf(chosen)
    order = [...order.slice(at + 1), ...order.slice(0, isFull ? at : at + 1)]
    return chosen
  })
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
  const order = inTurn(candidates, last)
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
  fill((candidate) => candidate.slots - taken(candidate))
  fill((candidate) => candidate.window - taken(candidate))
  return placed
}

/** By id, from the one after `last`. */
function inTurn<One extends { id: number }>(workers: One[], last: number | null): One[] {
  const sorted = [...workers].sort((a, b) => a.id - b.id)
  const from = last === null ? 0 : sorted.findIndex(({ id }) => id > last)
  return from <= 0 ? sorted : [...sorted.slice(from), ...sorted.slice(0, from)]
}

/**
 * Whether to claim now. While every slot has work and workers still hold most of what they may, waiting a
 * little makes the next claim larger and costs nobody time.
 */
export function isWorthClaiming(candidates: Candidate[]): boolean {
  let room = 0
  let queueable = 0
  for (const candidate of candidates) {
    const { slots, window } = candidate
    if (isFree(candidate)) return true
    room += Math.max(0, window - taken(candidate))
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
  let free = workers.reduce((sum, worker) => sum + Math.max(0, worker.slots - taken(worker)), 0)
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

/** Whether every slot of a worker has had the same task for so many ms while more tasks wait there. */
export const isStalled = ({ slots, running, open, lastStartAt }: RosterWorker, now: number, ms: number) =>
  running >= slots && open > slots && now - lastStartAt >= ms

/** What to take back from a worker that holds more than it may, the newest first: it was placed when tasks were shorter. */
export function chooseExcess({ id, held, open, window }: RosterWorker): Recall | null {
  const waiting = [...held].filter(([, { started, ended }]) => !started && !ended)
  const tasks = waiting.slice(Math.max(0, waiting.length - Math.max(0, open - window)))
  if (tasks.length === 0) return null
  return { workerId: id, tasks: tasks.map(([taskId, { attempt }]) => ({ taskId, attempt })) }
}
