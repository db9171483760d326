import { backoffMs } from '../shared/core/backoff.ts'
import type { Log } from '../shared/log.ts'
import { type CoordinatorLink, UNIMPLEMENTED } from './links/link.ts'

/** Never so long that a lease could end while this worker sleeps. */
const BACKOFF = { baseMs: 100, capMs: 2000 }
/** ms after which a connection counts as one that holds. */
const STEADY_MS = 10_000
/** So many that do not hold, one after another, are bad luck; with more the coordinator refuses this worker. */
const UNLUCKY = 2
/** ms between lines that say that there is still no coordinator. */
const TELL_MS = 30_000

export interface SessionOptions {
  coordinators: string[]
  log: Log
  /** @param isDraining whether this worker asks for no more work */
  openStream: (address: string, isDraining: () => boolean) => Promise<CoordinatorLink | typeof UNIMPLEMENTED>
  openPush: (address: string, isDraining: () => boolean) => Promise<CoordinatorLink>
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
  const isDraining = () => draining
  let stopped = false
  const stop = Promise.withResolvers<void>()
  /** Coordinators that know the documented calls alone. */
  const unary = new Set<string>()
  let next = Math.floor(Math.random() * coordinators.length)

  async function open(address: string): Promise<CoordinatorLink> {
    const opened = await openStream(address, isDraining)
    if (opened !== UNIMPLEMENTED) return opened
    if (!unary.has(address)) {
      log.info({ address }, 'The coordinator has no dispatch stream; serving it by the documented calls')
    }
    unary.add(address)
    return await openPush(address, isDraining)
  }

  let toldAt = Number.NEGATIVE_INFINITY
  let untold = 0
  /** Says at once that something is wrong, and then now and then, however often it is tried. */
  function tell(about: { address: string; reason: string }, message: string) {
    const now = performance.now()
    if (now - toldAt < TELL_MS) {
      untold++
      return
    }
    log.warn(untold > 0 ? { ...about, untold } : about, message)
    toldAt = now
    untold = 0
  }

  async function run() {
    /** Connections in a row that did not hold. */
    let brief = 0
    for (let failures = 0; !stopped; ) {
      const address = coordinators[next++ % coordinators.length] as string
      try {
        link = await open(address)
        const openedAt = performance.now()
        failures = 0
        if (brief <= UNLUCKY) {
          log.info({ address }, 'Connected to coordinator')
          toldAt = Number.NEGATIVE_INFINITY
        }
        if (draining) link.drain()
        if (stopped) link.close()
        const reason = await link.lost
        link = null
        if (stopped) return
        brief = performance.now() - openedAt < STEADY_MS ? brief + 1 : 0
        tell({ address, reason }, 'Lost the coordinator')
        next-- // it may be back at once; only when it is not, another is tried
      } catch (error) {
        tell({ address, reason: (error as Error).message }, 'Cannot reach the coordinator; trying again')
      }
      // A whole round of coordinators counts as one failure: another one may be there.
      const round = Math.floor(failures++ / coordinators.length) + Math.max(0, brief - UNLUCKY)
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
