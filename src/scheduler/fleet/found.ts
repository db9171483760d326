import { AppError } from '../../shared/core/error.ts'
import type { Log } from '../../shared/log.ts'
import type { Fleet } from './port.ts'

/**
 * A fleet that may come while this scheduler runs, or go: the containers' engine is another container.
 *
 * @param find the fleet, or why there is none
 * @throws what `find` throws, when something is asked of it
 */
export function createFoundFleet(find: () => Promise<Fleet>, log: Log): Fleet {
  let found: Fleet | null = null
  let isThere = false

  async function get(): Promise<Fleet> {
    found ??= await find()
    isThere = true
    return found
  }

  return {
    get isScalable() {
      return isThere
    },
    async look() {
      const was = isThere
      try {
        await get()
        // Any question will do: whoever answers that there is no such container is there.
        await found?.hostnameOf?.('none')
      } catch (error) {
        isThere = false
        if (!(error instanceof AppError)) throw error
        log.debug({ reason: error.message }, 'No fleet')
      }
      if (isThere !== was) log.info(isThere ? 'Workers can be scaled' : 'Workers can no longer be scaled')
    },
    scale: async (count) => await (await get()).scale(count),
    kill: async (worker) => await (await get()).kill(worker),
    hostnameOf: async (container) => (await (await get()).hostnameOf?.(container)) ?? null,
  }
}
