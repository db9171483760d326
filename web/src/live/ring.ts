import type { Span } from '../api.ts'

export const OUTCOMES = ['none', 'completed', 'failed', 'cancelled', 'lost', 'returned'] as const
export type Outcome = (typeof OUTCOMES)[number]

/** Spans by index; times are epoch ms of the database's clock, NaN where nothing happened yet. */
export interface Ring {
  readonly capacity: number
  /** How many indexes have ever been filled, at most `capacity`. */
  readonly size: number
  readonly workerId: Float64Array
  /** From 0; -1 while no slot runs it. */
  readonly slot: Int16Array
  readonly picked: Float64Array
  /** Where its bar may begin: when it was picked, or the end of the bar before it in the same lane. */
  readonly from: Float64Array
  readonly started: Float64Array
  readonly ended: Float64Array
  /** Where its bar must end at the latest, because the next one in the lane begins; else infinite. */
  readonly until: Float64Array
  readonly outcome: Uint8Array
  readonly attempt: Int32Array
  readonly taskId: string[]
  readonly command: string[]
  /** Adds a span, or what is newly known of one. */
  put(span: Span): void
  find(taskId: string, attempt: number): number | undefined
  /** Forgets all; for a fresh snapshot. */
  clear(): void
}

const NONE = -1

/**
 * The newest `capacity` attempts, in arrays that are never reallocated, so that drawing makes no garbage. Bars of one
 * lane never overlap: each knows its neighbours from when it was put.
 */
export function createRing(capacity = 16_384): Ring {
  const floats = () => new Float64Array(capacity).fill(Number.NaN)
  const ring = {
    capacity,
    size: 0,
    workerId: floats(),
    slot: new Int16Array(capacity).fill(NONE),
    picked: floats(),
    from: floats(),
    started: floats(),
    ended: floats(),
    until: floats(),
    outcome: new Uint8Array(capacity),
    attempt: new Int32Array(capacity),
    taskId: new Array<string>(capacity).fill(''),
    command: new Array<string>(capacity).fill(''),
  }
  const indexes = new Map<string, number>()
  const lastInLane = new Map<string, number>()
  let next = 0

  function claim(key: string): number {
    const index = next
    next = (next + 1) % capacity
    if (ring.taskId[index]) indexes.delete(keyOf(ring.taskId[index], ring.attempt[index]!))
    indexes.set(key, index)
    ring.size = Math.max(ring.size, index + 1)
    ring.slot[index] = NONE
    ring.until[index] = Number.POSITIVE_INFINITY
    ring.started[index] = Number.NaN
    ring.ended[index] = Number.NaN
    return index
  }

  /** Called once per span, when its lane and start are first known. */
  function enterLane(index: number) {
    const lane = `${ring.workerId[index]}/${ring.slot[index]}`
    const before = lastInLane.get(lane)
    const started = ring.started[index]!
    ring.from[index] = Math.min(ring.picked[index]!, started)
    if (before === undefined || before === index) {
      lastInLane.set(lane, index)
      return
    }
    const beforeStarted = ring.started[before]!
    if (beforeStarted > started) {
      ring.until[index] = ring.from[before]!
      return
    }
    lastInLane.set(lane, index)
    ring.until[before] = Math.min(ring.until[before]!, started)
    const beforeEnd = Math.min(ring.until[before]!, orInfinite(ring.ended[before]!))
    ring.from[index] = Math.min(started, Math.max(ring.from[index]!, beforeEnd))
  }

  return Object.assign(ring, {
    put(span: Span) {
      const key = keyOf(span.taskId, span.attempt)
      const known = indexes.get(key)
      const index = known ?? claim(key)
      const wasInLane =
        known !== undefined && ring.slot[index] !== NONE && !Number.isNaN(ring.started[index]!)
      ring.taskId[index] = span.taskId
      ring.attempt[index] = span.attempt
      ring.workerId[index] = span.workerId
      if (span.command !== null) ring.command[index] = span.command
      else if (known === undefined) ring.command[index] = ''
      ring.picked[index] =
        span.pickedAt ?? span.startedAt ?? (known === undefined ? Number.NaN : ring.picked[index]!)
      if (span.slot !== null) ring.slot[index] = span.slot
      if (span.startedAt !== null) ring.started[index] = span.startedAt
      if (span.endedAt !== null) ring.ended[index] = span.endedAt
      ring.outcome[index] = span.outcome === null ? 0 : OUTCOMES.indexOf(span.outcome)
      if (!wasInLane) {
        ring.from[index] = ring.picked[index]!
        if (ring.slot[index] !== NONE && !Number.isNaN(ring.started[index]!)) enterLane(index)
      }
    },
    find: (taskId: string, attempt: number) => indexes.get(keyOf(taskId, attempt)),
    clear() {
      indexes.clear()
      lastInLane.clear()
      ring.taskId.fill('')
      ring.size = 0
      next = 0
    },
  })
}

const keyOf = (taskId: string, attempt: number) => `${taskId}#${attempt}`

const orInfinite = (value: number) => (Number.isNaN(value) ? Number.POSITIVE_INFINITY : value)
