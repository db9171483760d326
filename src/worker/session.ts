import { backoffMs } from '../shared/core/backoff.ts'
import type { Log } from '../shared/log.ts'
import { type CoordinatorLink, UNIMPLEMENTED } from './links/link.ts'

/** Never so long that a lease could end while this worker sleeps. */
const BACKOFF = { baseMs: 100, capMs: 2000 }

export interface SessionOptions {
  coordinators: string[]
  log: Log
  openStream: (address: string) => Promise<CoordinatorLink | typeof UNIMPLEMENTED>
  openPush: (address: string) => Promise<CoordinatorLink>
}

/** Keeps this worker connected to one of its coordinators, whatever happens to them. */
export interface Session {
  /** Asks for no more work, now and after every reconnection. */
  drain(): void
  stop(): Promise<void>
}

/**
 * Tries the coordinators in turn, from one chosen at random so that workers spread, with exponential backoff
 * and full jitter. Tasks run on while no coordinator is there.
 */
export function startSession({ coordinators, log, openStream, openPush }: SessionOptions): Session {
  let link: CoordinatorLink | null = null
  let draining = false
  let stopped = false
  const stop = Promise.withResolvers<void>()
  let next = Math.floor(Math.random() * coordinators.length)

  async function open(address: string): Promise<CoordinatorLink> {
    const opened = await openStream(address)
    if (opened !== UNIMPLEMENTED) return opened
    log.info({ address }, 'The coordinator has no dispatch stream; serving it by the documented calls')
    return await openPush(address)
  }

  async function run() {
    for (let failures = 0; !stopped; ) {
      const address = coordinators[next++ % coordinators.length] as string
      try {
        link = await open(address)
        failures = 0
        log.info({ address }, 'Connected to coordinator')
        if (draining) link.drain()
        if (stopped) link.close()
        const reason = await link.lost
        link = null
        if (stopped) return
        log.warn({ address, reason }, 'Lost the coordinator')
        next-- // it may be back at once; only when it is not, another is tried
      } catch (error) {
        log.warn({ address, reason: (error as Error).message }, 'Cannot reach the coordinator; trying again')
      }
      // A whole round of coordinators counts as one failure: another one may be there.
      const round = Math.floor(failures++ / coordinators.length)
      await Promise.race([Bun.sleep(backoffMs(round, Math.random(), BACKOFF)), stop.promise])
    }
  }

  const running = run()
  return {
    drain() {
      draining = true
      link?.drain()
    },
    async stop() {
      stopped = true
      stop.resolve()
      link?.close()
      await Promise.race([running, Bun.sleep(1000)])
    },
  }
}
