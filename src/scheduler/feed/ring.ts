import type { FeedEvent } from './event.ts'

/** An event with its JSON, written once however many clients it goes to. */
export interface Entry {
  event: FeedEvent
  json(): string
}

export interface Ring {
  push(entry: Entry): void
  /** The newest `count`, oldest first. */
  newest(count: number): Entry[]
  /** All that came after an id, oldest first; null when some of them are no longer held or never were here. */
  after(id: number): Entry[] | null
  /** Lets go of all, because events up to this id were never made. */
  forget(throughId: number): void
}

/** The newest events. An id below `firstId` is from before this ring, and cannot be resumed from. */
export function createRing(capacity: number, firstId: number): Ring {
  const entries: Entry[] = []
  let lostThrough = firstId - 1

  // Trimming in bulk keeps a push at a constant cost on average.
  const slack = Math.max(64, capacity >> 2)

  return {
    push(entry) {
      entries.push(entry)
      if (entries.length <= capacity + slack) return
      const lost = entries.splice(0, entries.length - capacity)
      lostThrough = lost.at(-1)?.event.id ?? lostThrough
    },
    newest: (count) => (count > 0 ? entries.slice(-count) : []),
    after(id) {
      if (id < lostThrough) return null
      let low = 0
      let high = entries.length
      while (low < high) {
        const middle = (low + high) >> 1
        if (entries[middle]!.event.id <= id) low = middle + 1
        else high = middle
      }
      return entries.slice(low)
    },
    forget(throughId) {
      entries.length = 0
      lostThrough = throughId
    },
  }
}
