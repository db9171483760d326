import type { Step } from './coalesce.ts'

export interface Steps {
  push(step: Step, nowMs: number): void
  /** Those after this one; null when some of them are no longer held, or it is none of ours. */
  after(seq: number): Step[] | null
  /** Lets go of all. */
  clear(): void
  readonly lastSeq: number
}

/** The deltas of the last `keepMs` ms, from which whoever was away for a moment or is slow goes on. */
export function createSteps(keepMs: number, firstSeq: number): Steps {
  let steps: { step: Step; at: number }[] = []
  let lastSeq = firstSeq
  let lostThrough = firstSeq

  return {
    push(step, nowMs) {
      lastSeq = step.delta.seq
      steps.push({ step, at: nowMs })
      const stale = steps.findIndex(({ at }) => at >= nowMs - keepMs)
      if (stale > 0) lostThrough = steps.splice(0, stale).at(-1)!.step.delta.seq
    },
    after(seq) {
      if (seq < lostThrough || seq > lastSeq) return null
      return steps.filter(({ step }) => step.delta.seq > seq).map(({ step }) => step)
    },
    clear() {
      steps = []
      lostThrough = lastSeq
    },
    get lastSeq() {
      return lastSeq
    },
  }
}
