import type { Log } from '../shared/log.ts'
import type { Troubles } from '../shared/runtime/troubles.ts'
import { listen, PARENTS_CHANNEL } from '../shared/store/channel.ts'
import type { Sql } from '../shared/store/connect.ts'
import { resolveDependents } from '../shared/store/dependencies.ts'
import { troubled } from '../shared/store/troubled.ts'

const TRY_AGAIN_MS = 1000

export interface Dependents {
  /** Something that others depend on has ended, or may have: looks at once. */
  wake(): void
  stop(): Promise<void>
}

/**
 * Tells tasks that what they depend on has ended. Every coordinator does: the rows that say so are taken by one at a
 * time, and are there until it is done. What ends with them leaves rows of its own, so there is no recursion.
 */
export async function startDependents(sql: Sql, log: Log, troubles: Troubles): Promise<Dependents> {
  let running: Promise<void> | null = null
  let timer: Timer | null = null
  let again = false
  let stopped = false

  const resolve = () =>
    troubled(troubles, 'dependents', 'Dependents cannot be told of what has ended', () =>
      resolveDependents(sql),
    )

  async function work(): Promise<void> {
    try {
      do {
        again = false
        while (!stopped && (await resolve()) > 0);
      } while (again && !stopped)
    } catch (error) {
      log.warn({ err: error }, 'Could not tell dependents; trying again')
      timer = setTimeout(wake, TRY_AGAIN_MS)
    }
  }

  function wake() {
    again = true
    if (running || stopped) return
    if (timer) clearTimeout(timer)
    timer = null
    running = work().finally(() => {
      running = null
      if (again && !timer) wake()
    })
  }

  const notices = await listen(sql, PARENTS_CHANNEL, wake, wake)
  wake()

  return {
    wake,
    async stop() {
      stopped = true
      if (timer) clearTimeout(timer)
      await Promise.all([notices.stop().catch(() => {}), running])
    },
  }
}
