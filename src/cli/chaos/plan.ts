import {
  FAULT_KINDS,
  type Fault,
  type FaultKind,
  LOCAL_KINDS,
  type PathFault,
  WIDE_KINDS,
  type WideFault,
} from './faults.ts'
import { createRandom, type Random } from './random.ts'
import { drawTrouble } from './sqlstates.ts'

/** How many of each service a run has. */
export const CLUSTER = { coordinator: 2, scheduler: 2, worker: 4 } as const

const named = (service: keyof typeof CLUSTER) =>
  Array.from({ length: CLUSTER[service] }, (_, index) => `${service}-${index + 1}`)

export const COORDINATORS = named('coordinator')
export const SCHEDULERS = named('scheduler')
export const WORKERS = named('worker')
export const PROCESSES = [...COORDINATORS, ...SCHEDULERS, ...WORKERS]

/** Every way from one process to another that leads through a proxy: `worker-1>coordinator-2`. */
export const PATHS = [
  ...[...WORKERS, ...SCHEDULERS].flatMap((from) => COORDINATORS.map((to) => `${from}>${to}`)),
  ...[...COORDINATORS, ...SCHEDULERS].map((from) => `${from}>postgres`),
]

/**
 * `storm`: faults of all kinds, one on top of the other. `still`: those that concern the whole system, one after
 * the other, with nothing else that could excuse a loss.
 */
export type Weather = 'storm' | 'still'

export interface Plan {
  seed: number
  durationMs: number
  weather: Weather
  /** In the order of their time. */
  faults: Fault[]
}

export const ALL_KINDS = Object.keys(FAULT_KINDS) as readonly FaultKind[]

const FIRST_MS = 1000
/** ms between two faults of a storm. */
const GAP_MS = { min: 100, max: 1100 }
/** ms from the end of one fault to the next when it is still: time to heal in. */
const STILL_GAP_MS = { min: 3500, max: 5000 }
const LONGEST_MS = 6000
/** PostgreSQL needs a moment to come back, and the cluster one to do some work. */
const DATABASE_GAP_MS = 6000

/**
 * The faults of a run: a pure function of seed, duration and kinds, so that a seed that fails can be run again.
 *
 * Seeds with an odd number are still, those with an even one storms, where the kinds allow both.
 */
export function planFaults(seed: number, durationMs: number, kinds: readonly FaultKind[] = ALL_KINDS): Plan {
  const random = createRandom(seed)
  const local = LOCAL_KINDS.filter((kind) => kinds.includes(kind))
  const wide = WIDE_KINDS.filter((kind) => kinds.includes(kind))
  const weather = wide.length > 0 && (local.length === 0 || seed % 2 === 1) ? 'still' : 'storm'
  const faults =
    weather === 'still' ? planStill(random, durationMs, wide) : planStorm(random, durationMs, kinds)
  return { seed, durationMs, weather, faults }
}

function planStorm(random: Random, durationMs: number, kinds: readonly FaultKind[]): Fault[] {
  const faults: Fault[] = []
  let databaseAtMs = Number.NEGATIVE_INFINITY
  const weights = Object.entries(STORM_WEIGHTS).filter(([kind]) => kinds.includes(kind as FaultKind))
  for (let atMs = FIRST_MS; atMs < durationMs; atMs += random.integer(GAP_MS.min, GAP_MS.max)) {
    const kind = pickWeighted(random, weights) as FaultKind
    const fault = drawFault(random, kind, atMs)
    if (STOPS_DATABASE.has(kind)) {
      if (atMs - databaseAtMs < DATABASE_GAP_MS) continue
      databaseAtMs = atMs + ('forMs' in fault ? fault.forMs : 0)
    }
    faults.push(fault)
  }
  return faults
}

function planStill(
  random: Random,
  durationMs: number,
  kinds: readonly (typeof WIDE_KINDS)[number][],
): Fault[] {
  const faults: Fault[] = []
  let deck: WideFault['kind'][] = []
  for (let atMs = FIRST_MS; atMs < durationMs; ) {
    if (deck.length === 0) {
      // What is hidden best comes most often.
      deck = shuffle(
        random,
        kinds.flatMap((kind) => Array<typeof kind>(STILL_SHARES[kind] ?? 1).fill(kind)),
      )
    }
    const fault = drawFault(random, deck.pop() as WideFault['kind'], atMs)
    faults.push(fault)
    // An open transaction stands in nobody's way, and is to last.
    const lastsMs = 'forMs' in fault && fault.kind !== 'idle-transaction' ? fault.forMs : 0
    atMs += lastsMs + random.integer(STILL_GAP_MS.min, STILL_GAP_MS.max)
  }
  return faults
}

const STORM_WEIGHTS: Record<FaultKind, number> = {
  ...{ kill: 20, terminate: 7, freeze: 18, reset: 10, path: 33, postgres: 8, listeners: 4 },
  ...{ 'database-errors': 6, 'frozen-database': 3, 'notify-queue-full': 2 },
  ...{ 'idle-transaction': 2, 'idle-connections': 2, 'restart-draining': 3 },
}
const STILL_SHARES: Partial<Record<FaultKind, number>> = { 'database-errors': 3, 'frozen-database': 3 }
/** Those that the database has to get over before the next of them. */
const STOPS_DATABASE = new Set<FaultKind>([
  ...(['postgres', 'database-errors', 'frozen-database', 'notify-queue-full', 'idle-connections'] as const),
])

function drawFault(random: Random, kind: FaultKind, atMs: number): Fault {
  switch (kind) {
    case 'kill':
    case 'terminate':
      return { atMs, kind, process: random.pick(PROCESSES) }
    case 'freeze':
      return { atMs, kind, process: random.pick(PROCESSES), forMs: drawLength(random) }
    case 'reset':
      return { atMs, kind, path: random.pick(PATHS) }
    case 'path':
      return { atMs, kind, path: random.pick(PATHS), forMs: drawLength(random), fault: drawPathFault(random) }
    case 'postgres':
      return { atMs, kind, how: random.pick(['fast', 'immediate']) }
    case 'listeners':
      return { atMs, kind }
    case 'database-errors':
      return { atMs, kind, trouble: drawTrouble(random), forMs: random.integer(2000, 5000) }
    case 'frozen-database':
      return { atMs, kind, slowMs: random.pick([0, 30, 60]), forMs: random.integer(2300, 6000) }
    case 'notify-queue-full':
      return { atMs, kind, forMs: random.integer(2000, 4000) }
    case 'idle-transaction':
      return { atMs, kind, forMs: random.integer(10_000, 30_000) }
    case 'idle-connections':
      return { atMs, kind, count: random.pick([300, MAX_CONNECTIONS]), forMs: random.integer(2000, 5000) }
    case 'restart-draining':
      return { atMs, kind, processes: drawDraining(random) }
  }
}

/** Connections that the server of a run takes, so that 300 leave enough for the services. */
export const MAX_CONNECTIONS = 420

/** All workers, or half of them, with one of the coordinators or all. */
function drawDraining(random: Random): string[] {
  const workers = random.chance(0.5) ? WORKERS : WORKERS.slice(0, WORKERS.length >> 1)
  return [...workers, ...(random.chance(0.5) ? COORDINATORS : [random.pick(COORDINATORS)])]
}

function drawPathFault(random: Random): PathFault {
  const kind = random.pick(['delay', 'stall', 'hole', 'deaf', 'refuse'] as const)
  return kind === 'delay' ? { kind, delayMs: random.integer(5, 800) } : { kind }
}

/** Mostly short, sometimes past every lease. */
const drawLength = (random: Random) => Math.round(200 + (LONGEST_MS - 200) * random.next() ** 2)

function pickWeighted(random: Random, weights: [string, number][]): string {
  let left = random.next() * weights.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [word, weight] of weights) {
    left -= weight
    if (left < 0) return word
  }
  return weights.at(-1)?.[0] as string
}

function shuffle<T>(random: Random, given: readonly T[]): T[] {
  const drawn = given.map((value) => ({ value, at: random.next() }))
  return drawn.sort((a, b) => a.at - b.at).map(({ value }) => value)
}

const MAX_SKEW_MS = 60_000

/** How wrong the clock of a process is, in ms, for each time that it is started. */
export function skewOf(seed: number, process: string, start: number): number {
  const random = createRandom(Bun.hash.crc32(`${seed} ${process} ${start}`))
  const draw = random.next()
  if (draw < 0.3) return 0
  if (draw < 0.5) return MAX_SKEW_MS
  if (draw < 0.7) return -MAX_SKEW_MS
  return random.integer(-MAX_SKEW_MS, MAX_SKEW_MS)
}

const RESTART_MS = { min: 200, max: 1500 }

/** ms until a process is started again that ended for the nth time: while its absence is still felt. */
export function restartMsOf(seed: number, process: string, start: number): number {
  const random = createRandom(Bun.hash.crc32(`${seed} ${process} again ${start}`))
  return random.integer(RESTART_MS.min, RESTART_MS.max)
}
