import { chooseExcess, chooseRecalls, groupByKind, isStalled, type Recall } from './placement.ts'
import type { Roster } from './roster.ts'

/** How long a task may wait behind others in a worker while slots elsewhere are free. */
const PATIENCE_MS = 20
/** How long all slots of a worker may have the same tasks before it holds no more than suits such long ones. */
const STALLED_MS = 250

export interface RecallsOptions {
  roster: Roster
  /** Whether nothing is due that workers of this kind run. */
  nothingWaits: (kind: string) => boolean
  /** How long a slot that became free would wait for its next task. */
  roundTripMs: () => number
  recall: (recall: Recall) => void
}

/** Takes back what workers have not started and others should have. */
export interface Recalls {
  /** Nothing is due, as far as is known: free slots may take what is queued elsewhere. */
  onIdle(): void
  /** This worker said that it started something. */
  onStarted(workerId: number): void
  stop(): void
}

export function createRecalls({ roster, nothingWaits, roundTripMs, recall }: RecallsOptions): Recalls {
  let stuckTimer: Timer | null = null
  let excessTimer: Timer | null = null

  function recallStuck() {
    let isCrowded = false
    for (const { kind, free, workers } of groupByKind(roster.available())) {
      if (!nothingWaits(kind) || free === 0 || !workers.some(({ slots, open }) => open > slots)) continue
      isCrowded = true
      for (const one of chooseRecalls(workers, performance.now(), PATIENCE_MS)) recall(one)
    }
    if (!isCrowded) return
    stuckTimer ??= setTimeout(() => {
      stuckTimer = null
      recallStuck()
    }, PATIENCE_MS)
  }

  /** Takes back what was placed while tasks were short, where they are short no more. */
  function recallExcess() {
    const now = performance.now()
    for (const worker of roster.all()) {
      if (!isStalled(worker, now, STALLED_MS)) continue
      roster.tookLong(worker.id, now, roundTripMs())
      const excess = chooseExcess(worker)
      if (excess) recall(excess)
    }
  }

  return {
    onIdle: recallStuck,
    onStarted(workerId) {
      const worker = roster.get(workerId)
      if (!worker || !isStalled(worker, Number.POSITIVE_INFINITY, 0)) return
      excessTimer ??= setTimeout(() => {
        excessTimer = null
        recallExcess()
        // What started while the timer ran has its time, too.
        for (const { id, lastStartAt } of roster.all()) {
          if (performance.now() - lastStartAt < STALLED_MS) this.onStarted(id)
        }
      }, STALLED_MS)
    },
    stop() {
      if (stuckTimer) clearTimeout(stuckTimer)
      if (excessTimer) clearTimeout(excessTimer)
    },
  }
}
