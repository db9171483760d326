import { AppError } from './core/error.ts'

export interface BatcherOptions<Item, Result> {
  /** Writes a batch and answers for each item, in order. When it throws, every item of the batch fails. */
  write: (items: Item[]) => Promise<Result[]>
  /** The largest batch, in items, or in the sum of what `weigh` says of each. */
  maxItems: number
  weigh?: (item: Item) => number
  /** How many items may wait for a write before new ones are refused. */
  maxWaiting: number
}

export interface Batcher<Item, Result> {
  /** Resolves with the item's own result. Rejects with `too_many` when the queue is full. */
  add(item: Item): Promise<Result>
  /** Refuses new items and resolves when those accepted have been answered. */
  close(): Promise<void>
  readonly waiting: number
}

interface Waiting<Item, Result> {
  item: Item
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}

/**
 * Group commit: the first item is written at once; what arrives while a write is in flight goes together
 * in the next. No timer: lowest latency when idle, largest batches under load.
 */
export function createBatcher<Item, Result>(options: BatcherOptions<Item, Result>): Batcher<Item, Result> {
  const waiting: Waiting<Item, Result>[] = []
  let running: Promise<void> | null = null
  let closed = false

  function batchLength() {
    if (!options.weigh) return options.maxItems
    let length = 0
    let weight = 0
    for (const { item } of waiting) {
      weight += options.weigh(item)
      if (length > 0 && weight > options.maxItems) break
      length++
    }
    return length
  }

  async function drain() {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, batchLength())
      try {
        const results = await options.write(batch.map(({ item }) => item))
        batch.forEach(({ resolve }, index) => {
          resolve(results[index] as Result)
        })
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    running = null
  }

  return {
    add(item) {
      if (closed) return Promise.reject(new AppError('unavailable', 'shutting down'))
      if (waiting.length >= options.maxWaiting) {
        return Promise.reject(new AppError('too_many', 'too many requests are waiting; try again'))
      }
      return new Promise<Result>((resolve, reject) => {
        waiting.push({ item, resolve, reject })
        running ??= drain()
      })
    },
    async close() {
      closed = true
      await running
    },
    get waiting() {
      return waiting.length
    },
  }
}
