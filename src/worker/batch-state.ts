/** Tasks that a slot is given in one message, at most. */
export const MAX_BATCH = 64

/** Bytes of outcomes that one batch may leave in memory; what does not fit is sent as a message. */
const TEXT_BYTES = 32_768

const PHASES = 5
const WAITING = 0
const STARTED = 1
/** It ended, and its outcome is here. */
const ENDED = 2
/** It ended, and its outcome is on its way in a message. */
const TOLD = 3
const WITHDRAWN = 4

const WORDS = 2 * MAX_BATCH * Int32Array.BYTES_PER_ELEMENT
const TIMES = 2 * MAX_BATCH * Float64Array.BYTES_PER_ELEMENT
const MAX_NUMBER = Math.floor(0x7fff_ffff / PHASES)

/**
 * How far the tasks of one batch are, in memory that the pool and the slot's thread share: so a task that has not begun can
 * be taken back, and an end be read, however busy the thread is. Of the two that want a task that waits, one gets it.
 * A batch has a number, so that a thread which is late with an earlier batch finds nothing to begin.
 */
export interface BatchState {
  readonly memory: SharedArrayBuffer
  /** The pool's: makes room for the next batch, of which the earlier has ended or been withdrawn; its number. */
  open(count: number): number
  /** The pool's: takes a task back; false when it has begun. */
  withdraw(index: number): boolean
  /** The thread's: begins a task; false when it was withdrawn. */
  start(batch: number, index: number, now: number): boolean
  /** The thread's: the task ended with this outcome, as JSON or empty; false when there is no room for it. */
  end(batch: number, index: number, now: number, outcome: string): boolean
  /** The thread's: the task ended, and a message follows that says how. */
  tell(batch: number, index: number, now: number): void
  isWaiting(index: number): boolean
  isStarted(index: number): boolean
  isEnded(index: number): boolean
  isTold(index: number): boolean
  /** ms on the thread's clock. */
  startedAt(index: number): number
  endedAt(index: number): number
  /** Of one that has ended: what was given to `end`. */
  outcome(index: number): string
}

/** @param memory that of the other side; none: new memory */
export function createBatchState(memory = new SharedArrayBuffer(WORDS + TIMES + TEXT_BYTES)): BatchState {
  const phases = new Int32Array(memory, 0, MAX_BATCH)
  /** Where the outcome of each ends in the text; it begins where that of the one before ends. */
  const textEnds = new Int32Array(memory, WORDS / 2, MAX_BATCH)
  const startedAt = new Float64Array(memory, WORDS, MAX_BATCH)
  const endedAt = new Float64Array(memory, WORDS + TIMES / 2, MAX_BATCH)
  const text = new Uint8Array(memory, WORDS + TIMES, TEXT_BYTES)
  const encoder = new TextEncoder()
  const decoder = new TextDecoder()
  /** The pool's. */
  let number = 0
  /** The thread's: how much of the text the batch that it runs has used. */
  let textEnd = 0
  let textOf = 0

  const phaseOf = (index: number) => Atomics.load(phases, index) - number * PHASES
  /** To a phase, when it is in another. */
  const turn = (batch: number, index: number, from: number, to: number) => {
    const base = batch * PHASES
    return Atomics.compareExchange(phases, index, base + from, base + to) === base + from
  }

  return {
    memory,
    open(count) {
      number = number === MAX_NUMBER ? 1 : number + 1
      for (let index = 0; index < count; index++) Atomics.store(phases, index, number * PHASES + WAITING)
      return number
    },
    withdraw: (index) => turn(number, index, WAITING, WITHDRAWN),
    start(batch, index, now) {
      // Written before it can be read; by one that is late, nothing is.
      if (Atomics.load(phases, index) !== batch * PHASES + WAITING) return false
      startedAt[index] = now
      return turn(batch, index, WAITING, STARTED)
    },
    end(batch, index, now, outcome) {
      if (textOf !== batch) textEnd = 0
      textOf = batch
      if (outcome !== '') {
        if (outcome.length * 3 > TEXT_BYTES - textEnd) return false
        textEnd += encoder.encodeInto(outcome, text.subarray(textEnd)).written
      }
      textEnds[index] = textEnd
      endedAt[index] = now
      return turn(batch, index, STARTED, ENDED)
    },
    tell(batch, index, now) {
      if (textOf !== batch) textEnd = 0
      textOf = batch
      textEnds[index] = textEnd
      endedAt[index] = now
      turn(batch, index, STARTED, TOLD)
    },
    isWaiting: (index) => phaseOf(index) === WAITING,
    isStarted: (index) => phaseOf(index) === STARTED,
    isEnded: (index) => phaseOf(index) === ENDED,
    isTold: (index) => phaseOf(index) === TOLD,
    startedAt: (index) => startedAt[index] as number,
    endedAt: (index) => endedAt[index] as number,
    outcome(index) {
      const from = textFrom(index)
      const to = textEnds[index] as number
      // A copy: not every decoder reads memory that is shared.
      return from === to ? '' : decoder.decode(text.slice(from, to))
    },
  }

  /** Where the outcome of the latest before it that has one ends: the withdrawn have none. */
  function textFrom(index: number): number {
    for (let before = index - 1; before >= 0; before--) {
      const phase = phaseOf(before)
      if (phase === ENDED || phase === TOLD) return textEnds[before] as number
    }
    return 0
  }
}
