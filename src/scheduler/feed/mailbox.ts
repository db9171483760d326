export interface Mailbox<Item> {
  put(item: Item): void
  /**
   * What has come, in order; at most `max`. Waits for the first; after `waitMs` ms it answers with nothing.
   *
   * @returns null when the mailbox is closed and empty
   */
  take(max: number, waitMs?: number): Promise<Item[] | null>
  close(): void
}

/**
 * A queue between the feed and one client. When the client is too slow and `capacity` is reached, what waits
 * is dropped and `gap` says so in its place: a gap that is shown, never memory without bound.
 */
export function createMailbox<Item>(
  initial: Item[],
  capacity: number,
  gap: (dropped: number, last: Item) => Item,
): Mailbox<Item> {
  const limit = capacity + initial.length
  let items = initial
  let dropped = 0
  let closed = false
  let wake: (() => void) | null = null

  return {
    put(item) {
      if (closed) return
      if (items.length >= limit) {
        // The gap that stands first stands for what it already replaced.
        dropped += items.length - (dropped > 0 ? 1 : 0)
        items = [gap(dropped, items.at(-1)!)]
      }
      items.push(item)
      wake?.()
    },
    async take(max, waitMs) {
      if (items.length === 0 && !closed) {
        let timer: Timer | undefined
        await new Promise<void>((resolve) => {
          wake = resolve
          if (waitMs !== undefined) timer = setTimeout(resolve, waitMs)
        })
        wake = null
        clearTimeout(timer)
      }
      if (items.length === 0) return closed ? null : []
      const taken = items.slice(0, max)
      items = items.slice(max)
      dropped = 0
      return taken
    },
    close() {
      closed = true
      wake?.()
    },
  }
}
