import { backoffMs } from '../shared/core/backoff.ts'
import type { Log } from '../shared/log.ts'
import { isUnavailable } from '../shared/store/errors.ts'

export interface PersistOptions<Item> {
  /** One try to write all of them, together. */
  write: (items: Item[]) => Promise<void>
  /** What one of them is called in the log: `report`. */
  what: string
  log: Log
  /** True: give up instead of waiting for the database. */
  isStopping: () => boolean
}

/**
 * Writes what workers said, waiting for the database as long as it is away. An item that it will not have is left
 * out, not the others.
 *
 * @throws what the last try threw, only when stopping
 */
export async function persist<Item>(items: Item[], options: PersistOptions<Item>): Promise<void> {
  const { write, what, log, isStopping } = options
  for (let failures = 0; ; failures++) {
    try {
      return await write(items)
    } catch (error) {
      if (isStopping()) throw error
      if (!isUnavailable(error)) {
        if (items.length === 1) {
          log.error({ err: error, [what]: items[0] }, `A ${what} cannot be stored; left out`)
          return
        }
        const half = items.length >> 1
        await persist(items.slice(0, half), options)
        return await persist(items.slice(half), options)
      }
      const pauseMs = 20 + backoffMs(failures, Math.random(), { baseMs: 50, capMs: 1000 })
      log.warn(
        { err: error, [`${what}s`]: items.length, pauseMs: Math.round(pauseMs) },
        'Could not settle; trying again',
      )
      await Bun.sleep(pauseMs)
    }
  }
}
