import { createRandom, type Random } from './random.ts'

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

/** What a path does to what is sent along it; see proxy.ts. */
export type PathFault =
  | { kind: 'delay'; delayMs: number }
  | { kind: 'stall' }
  | { kind: 'hole' }
  | { kind: 'deaf' }
  | { kind: 'refuse' }

export type Fault = { atMs: number } & (
  | { kind: 'kill'; process: string }
  | { kind: 'terminate'; process: string }
  | { kind: 'freeze'; process: string; forMs: number }
  | { kind: 'path'; path: string; forMs: number; fault: PathFault }
  | { kind: 'reset'; path: string }
  | { kind: 'postgres'; how: 'fast' | 'immediate' }
  | { kind: 'listeners' }
)

export interface Plan {
  seed: number
  durationMs: number
  /** In the order of their time. */
  faults: Fault[]
}

const FIRST_MS = 1000
/** ms between two faults. */
const GAP_MS = { min: 100, max: 1100 }
const LONGEST_MS = 6000
/** PostgreSQL needs a moment to come back, and the cluster one to do some work. */
const POSTGRES_GAP_MS = 6000

/** The faults of a run: a pure function of seed and duration, so that a seed that fails can be run again. */
export function planFaults(seed: number, durationMs: number): Plan {
  const random = createRandom(seed)
  const faults: Fault[] = []
  let postgresAtMs = Number.NEGATIVE_INFINITY
  for (let atMs = FIRST_MS; atMs < durationMs; atMs += random.integer(GAP_MS.min, GAP_MS.max)) {
    const fault = drawFault(random, atMs)
    if (fault.kind === 'postgres') {
      if (atMs - postgresAtMs < POSTGRES_GAP_MS) continue
      postgresAtMs = atMs
    }
    faults.push(fault)
  }
  return { seed, durationMs, faults }
}

function drawFault(random: Random, atMs: number): Fault {
  const draw = random.next()
  if (draw < 0.2) return { atMs, kind: 'kill', process: random.pick(PROCESSES) }
  if (draw < 0.27) return { atMs, kind: 'terminate', process: random.pick(PROCESSES) }
  if (draw < 0.45) {
    return { atMs, kind: 'freeze', process: random.pick(PROCESSES), forMs: drawLength(random) }
  }
  if (draw < 0.55) return { atMs, kind: 'reset', path: random.pick(PATHS) }
  if (draw < 0.88) {
    const path = random.pick(PATHS)
    return { atMs, kind: 'path', path, forMs: drawLength(random), fault: drawPathFault(random) }
  }
  if (draw < 0.96) return { atMs, kind: 'postgres', how: random.pick(['fast', 'immediate']) }
  return { atMs, kind: 'listeners' }
}

function drawPathFault(random: Random): PathFault {
  const kind = random.pick(['delay', 'stall', 'hole', 'deaf', 'refuse'] as const)
  return kind === 'delay' ? { kind, delayMs: random.integer(5, 800) } : { kind }
}

/** Mostly short, sometimes past every lease. */
const drawLength = (random: Random) => Math.round(200 + (LONGEST_MS - 200) * random.next() ** 2)

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

/** For people: `hole worker-1>coordinator-2 for 1.2 s`. */
export function describeFault(fault: Fault): string {
  const forSeconds = 'forMs' in fault ? ` for ${(fault.forMs / 1000).toFixed(1)} s` : ''
  switch (fault.kind) {
    case 'kill':
    case 'terminate':
    case 'freeze':
      return `${fault.kind} ${fault.process}${forSeconds}`
    case 'reset':
      return `reset ${fault.path}`
    case 'path': {
      const what = fault.fault.kind === 'delay' ? `delay ${fault.fault.delayMs} ms` : fault.fault.kind
      return `${what} ${fault.path}${forSeconds}`
    }
    case 'postgres':
      return `restart postgres (${fault.how})`
    case 'listeners':
      return 'end the LISTEN connections'
  }
}
