import { backoffMs } from '../../shared/core/backoff.ts'

/** How long a coordinator that refused a task is not asked again for such a one, at first and at most, in ms. */
const BACKOFF = { baseMs: 10, capMs: 250 }
/** Lanes that are remembered. */
const MAX_LANES = 1000

/** Remembers for which lanes a coordinator had no slot, so that not every submission asks it in vain. */
export interface Refusals {
  /** @param now monotonic ms */
  mayAsk(lane: string, now: number): boolean
  refused(lane: string, now: number): void
  stored(lane: string): void
}

/** @param random from 0 to 1, so that schedulers do not ask in step */
export function createRefusals(random: () => number = Math.random): Refusals {
  const lanes = new Map<string, { until: number; times: number }>()
  return {
    mayAsk: (lane, now) => now >= (lanes.get(lane)?.until ?? 0),
    refused(lane, now) {
      const before = lanes.get(lane)
      // Those that were asked for together count once.
      if (before && now < before.until) return
      const times = (before?.times ?? -1) + 1
      if (lanes.size >= MAX_LANES) lanes.clear()
      lanes.set(lane, { until: now + backoffMs(times, (1 + random()) / 2, BACKOFF), times })
    },
    stored: (lane) => void lanes.delete(lane),
  }
}
