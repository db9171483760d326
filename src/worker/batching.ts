import { movingMean } from '../shared/core/window.ts'
import { MAX_BATCH } from './batch-state.ts'

/** ms that the tasks of one message should take together, at most. */
export const BATCH_MS = 4
/** ms after which a task counts as long: it is reported as started, and what was sent along with it goes elsewhere. */
export const LONG_MS = 5

/** Ends of a kind that must be known before several of it are sent together. */
const KNOWN = 3
/** How much the latest run weighs. */
const WEIGHT = 0.25
/** A run counts as at most so many times the mean, or so many ms: a single one may have been kept from its processor. */
const BELIEVED = { times: 4, ms: 1 }
const MAX_KINDS = 1000
/** Characters of a command that tell kinds apart. */
const MAX_COMMAND = 200

/** Executors whose tasks may share a message. One that starts processes is slow by nature. */
const BATCHED = new Set(['simulate', 'function', 'http'])

/** Tasks of one kind are expected to take equally long: by executor and command. Null: it is never sent with others. */
export const kindOf = ({ executor, command }: { executor: string; command: string }): string | null =>
  BATCHED.has(executor) ? `${executor} ${command.slice(0, MAX_COMMAND)}` : null

/** How long tasks of each kind take, as far as this worker has seen. */
export interface RunTimes {
  note(kind: string | null, ms: number): void
  /** The expected run time in ms of a kind that is known to be short; null: of any other. */
  shortMs(kind: string | null): number | null
}

export function createRunTimes(maxKinds = MAX_KINDS): RunTimes {
  const means = new Map<string, { ms: number; count: number }>()
  return {
    note(kind, ms) {
      if (kind === null) return
      const known = means.get(kind)
      if (known) {
        const most = Math.max(BELIEVED.ms, BELIEVED.times * known.ms)
        known.ms = movingMean(known.ms, Math.min(ms, most), WEIGHT)
        known.count++
        return
      }
      if (means.size >= maxKinds) means.delete(means.keys().next().value as string)
      means.set(kind, { ms, count: 1 })
    },
    shortMs(kind) {
      const known = kind === null ? undefined : means.get(kind)
      return known && known.count >= KNOWN && known.ms <= BATCH_MS ? known.ms : null
    },
  }
}

/**
 * How many tasks from the head of the queue a free slot is given in one message: one, unless they are known to be short;
 * then as many as should end within `BATCH_MS`, and no more than its share.
 *
 * @param shortMsOf the expected run time of the task at this place; null: it goes alone
 * @param slots how many slots are free
 */
export function batchLength(
  queued: number,
  slots: number,
  shortMsOf: (place: number) => number | null,
): number {
  const most = Math.min(MAX_BATCH, Math.ceil(queued / slots))
  let length = 0
  for (let ms = 0; length < most; length++) {
    const next = shortMsOf(length)
    if (next === null) break
    ms += next
    if (ms > BATCH_MS) break
  }
  return Math.min(queued, Math.max(1, length))
}
