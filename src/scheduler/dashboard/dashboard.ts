import { AppError } from '../../shared/core/error.ts'
import type { Log } from '../../shared/log.ts'
import { within } from '../deadline.ts'
import { type BoardOptions, createBoard, LIMITS } from './board.ts'
import { coalesce, type Step } from './coalesce.ts'
import type { LiveMessage, Snap, Unknown } from './messages.ts'
import { createSteps } from './steps.ts'

export interface DashboardOptions extends BoardOptions {
  log: Log
  /** ms that deltas are held for whoever comes back. Default 10,000. */
  keepMs?: number
}

export interface Dashboard {
  /**
   * How everything stands and then what changes, at most ten times a second and at least once, for as long as it
   * is asked for; while the database is away, that nothing is known, and then again how everything stands. Nothing is queued for a client: one that asks late is given one delta in place of all that it missed, and
   * a snap when that is longer ago than the deltas are held.
   *
   * @param lastSeq the last message that the client has seen
   * @throws `too_many`, `unavailable` when the scheduler stops
   */
  follow(lastSeq: number | null, signal?: AbortSignal): AsyncGenerator<LiveMessage, void>
  /** Ends all streams. */
  stop(): Promise<void>
}

const MAX_CLIENTS = 200
const INTERVAL_MS = 100
/** Even when nothing changes, or nothing can be read: silence says that the connection is gone. */
const QUIET_MS = 900
const RETRY_MS = 300
/** ms that a client waits for a snap before it is told that nothing is known; what is older is not given to it. */
const UNKNOWN_MS = 2000
const STOP_MS = 500

/** The live dashboard, shared by all who look at it. While nobody does, the database is not asked. */
export function createDashboard({ log, keepMs = 10_000, ...options }: DashboardOptions): Dashboard {
  const board = createBoard(options)
  // Above all that an earlier scheduler gave, if its clock was right: ten a second is far below this.
  const steps = createSteps(keepMs, Date.now() * 100)
  let clients = 0
  let leftAt = 0
  let running: Promise<void> | null = null
  let stopped = false
  let publishedAt = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | null = null
  let isAwake = false
  let gaveUnknown = false
  const waitingForStep = new Set<() => void>()
  const waitingForSnap = new Set<(snap: Snap) => void>()

  options.feed.observe({ onNotice: board.note, onGap: board.distrust })

  const isWanted = () => !stopped && (clients > 0 || performance.now() - leftAt < keepMs)

  async function run() {
    while (isWanted()) {
      const now = performance.now()
      // A database that stands still keeps the answer back; clients are told so meanwhile.
      reading ??= read().finally(() => {
        reading = null
      })
      await Promise.race([reading, Bun.sleep(INTERVAL_MS)])
      if (performance.now() - publishedAt >= QUIET_MS) publish(quiet())
      await Bun.sleep(Math.max(10, INTERVAL_MS - (performance.now() - now)))
    }
    await Promise.race([reading, Bun.sleep(STOP_MS)])
    isAwake = false
    board.sleep()
    steps.clear()
    running = null
  }

  async function read() {
    try {
      if (!isAwake) board.wake()
      isAwake = true
      const step = await board.read(steps.lastSeq + 1, performance.now())
      if (!isWanted()) return
      // Steps may have been published during the read.
      if (step) publish({ ...step, delta: { ...step.delta, seq: steps.lastSeq + 1 } })
      giveSnaps()
    } catch (error) {
      log.debug({ err: error }, 'The dashboard could not be read')
      await Bun.sleep(RETRY_MS)
    }
  }

  function publish(step: Step) {
    publishedAt = performance.now()
    steps.push(step, publishedAt)
    for (const resolve of waitingForStep) resolve()
    waitingForStep.clear()
  }

  function giveSnaps() {
    // Those who were told that nothing is known need everything, not what has changed.
    if (gaveUnknown) steps.clear()
    gaveUnknown = false
    if (waitingForSnap.size === 0) return
    const snap = board.snap(steps.lastSeq)
    for (const resolve of waitingForSnap) resolve(snap)
    waitingForSnap.clear()
  }

  function quiet(): Step {
    const { type: _, fleet: __, ...now } = board.snap(steps.lastSeq + 1)
    const nothing = { workers: [], spans: [], buckets: [], log: [] }
    return { delta: { type: 'delta', ...now, ...nothing, dropped: 0 }, born: new Set() }
  }

  function release() {
    for (const resolve of waitingForStep) resolve()
    waitingForStep.clear()
  }

  async function nextSnap(): Promise<Snap | Unknown> {
    const { promise, resolve } = Promise.withResolvers<Snap>()
    waitingForSnap.add(resolve)
    try {
      return await within(UNKNOWN_MS, 'unknown', promise)
    } catch {
      gaveUnknown = true
      return board.unknown(steps.lastSeq)
    } finally {
      waitingForSnap.delete(resolve)
    }
  }

  async function nextStep(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    waitingForStep.add(resolve)
    await promise
  }

  return {
    async *follow(lastSeq, signal) {
      if (stopped) throw stopping()
      if (clients >= MAX_CLIENTS) throw new AppError('too_many', 'too many dashboards are open')
      clients++
      running ??= run()
      let seen = lastSeq
      let sentAt = Number.NEGATIVE_INFINITY
      signal?.addEventListener('abort', release, { once: true })
      try {
        while (!signal?.aborted) {
          if (stopped) throw stopping()
          const missed = seen === null ? null : steps.after(seen)
          const waitMs = sentAt + INTERVAL_MS - performance.now()
          if (missed?.length === 0) {
            await nextStep()
          } else if (waitMs > 0) {
            await Bun.sleep(waitMs)
          } else {
            const [first, ...rest] = missed ?? []
            const message = first ? coalesce([first, ...rest], LIMITS).delta : await nextSnap()
            seen = message.seq
            sentAt = performance.now()
            yield message
          }
        }
      } finally {
        signal?.removeEventListener('abort', release)
        clients--
        leftAt = performance.now()
      }
    },

    async stop() {
      stopped = true
      release()
      await running
    },
  }
}

const stopping = () => new AppError('unavailable', 'the server is stopping')
