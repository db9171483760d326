/** A bucket's bounds are so far apart that its middle has three significant figures. */
const WIDTH = Math.log(1.001)
const SLOT_MS = 1000

export interface Percentiles {
  p50: number
  p95: number
  p99: number
}

export interface RollingWindow {
  /** Counts a duration in ms so often. */
  record(ms: number, count?: number): void
  /** In ms, of the last seconds; 0 of nothing, as in the other adapters. */
  percentiles(): Percentiles
}

/**
 * Percentiles of the last seconds to three significant figures. Its memory depends on how different the durations
 * are, not on how many.
 *
 * @param now epoch ms
 */
export function createWindow(seconds: number, now: () => number = Date.now): RollingWindow {
  /** Of each second, how many durations were in which bucket. */
  const slots = new Map<number, Map<number, number>>()

  function recent(): Map<number, number>[] {
    const oldest = Math.floor(now() / SLOT_MS) - seconds
    for (const second of slots.keys()) if (second <= oldest) slots.delete(second)
    return [...slots.values()]
  }

  return {
    record(ms, count = 1) {
      const second = Math.floor(now() / SLOT_MS)
      let slot = slots.get(second)
      if (!slot) {
        recent()
        slot = new Map()
        slots.set(second, slot)
      }
      const bucket = Math.round(Math.log(Math.max(ms, 0.001)) / WIDTH)
      slot.set(bucket, (slot.get(bucket) ?? 0) + count)
    },
    percentiles() {
      const counts = new Map<number, number>()
      for (const slot of recent())
        for (const [bucket, count] of slot) counts.set(bucket, (counts.get(bucket) ?? 0) + count)
      const sorted = [...counts].sort(([a], [b]) => a - b)
      const total = sorted.reduce((sum, [, count]) => sum + count, 0)
      const at = (share: number) => {
        let left = share * total
        for (const [bucket, count] of sorted) {
          left -= count
          if (left <= 0) return Number(Math.exp(bucket * WIDTH).toPrecision(4))
        }
        return 0
      }
      return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
    },
  }
}
