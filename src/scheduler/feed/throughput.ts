export interface Throughput {
  add(atMs: number, count: number): void
  perSecond(atMs: number): number
}

const SLOT_MS = 100

/** How many things happen per second, over the last `windowMs` ms. */
export function createThroughput(windowMs: number): Throughput {
  const slots = new Map<number, number>()

  const forgetBefore = (oldest: number) => {
    for (const slot of slots.keys()) {
      if (slot > oldest) break
      slots.delete(slot)
    }
  }

  return {
    add(atMs, count) {
      const slot = Math.floor(atMs / SLOT_MS)
      forgetBefore(slot - windowMs / SLOT_MS)
      slots.set(slot, (slots.get(slot) ?? 0) + count)
    },
    perSecond(atMs) {
      forgetBefore(Math.floor(atMs / SLOT_MS) - windowMs / SLOT_MS)
      let sum = 0
      for (const count of slots.values()) sum += count
      return (sum * 1000) / windowMs
    },
  }
}
