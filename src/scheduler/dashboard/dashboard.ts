import { AppError } from '../../shared/core/error.ts'
import type { Log } from '../../shared/log.ts'
import { within } from '../deadline.ts'
import { type BoardOptions, createBoard, LIMITS } from './board.ts'
import { coalesce, type Step } from './coalesce.ts'
import type { Delta, Snap } from './messages.ts'
import { createSteps } from './steps.ts'

export interface DashboardOptions extends BoardOptions {
  log: Log
  /** ms that deltas are held for whoever comes back. Default 10,000. */
  keepMs?: number
}

export interface Dashboard {
  /**
   * How everything stands and then what changes, at most ten times a second, for as long as it is asked for.
   * Nothing is queued for a client: one that asks late is given one delta in place of all that it missed, and
   * a snap when that is longer ago than the deltas are held.
   *
   * @param lastSeq the last message that the client has seen
   * @throws `too_many`, `unavailable` while the database is away or when the scheduler stops
   */
  follow(lastSeq: number | null, signal?: AbortSignal): AsyncGenerator<Snap | Delta, void>
  /** Ends all streams. */
  stop(): Promise<void>
}

const MAX_CLIENTS = 200
const INTERVAL_MS = 100
/** Even when nothing changes: that the clock goes on says that the connection lives. */
const QUIET_MS = 1000
const RETRY_MS = 300
const FIRST_SNAP_MS = 5000

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
  const waitingForStep = new Set<() => void>()
  const waitingForSnap = new Set<(snap: Snap) => void>()

  options.feed.observe({ onNotice: board.note, onGap: board.distrust })

  const isWanted = () => !stopped && (clients > 0 || performance.now() - leftAt < keepMs)

  async function run() {
    let isAwake = false
    while (isWanted()) {
      const now = performance.now()
      try {
        if (!isAwake) board.wake()
        isAwake = true
        publish(await board.read(steps.lastSeq + 1, now))
      } catch (error) {
        log.debug({ err: error }, 'The dashboard could not be read')
        await Bun.sleep(RETRY_MS)
      }
      await Bun.sleep(Math.max(10, INTERVAL_MS - (performance.now() - now)))
    }
    board.sleep()
    steps.clear()
    running = null
  }

  function publish(changed: Step | null) {
    const now = performance.now()
    const step = changed ?? (now - publishedAt >= QUIET_MS ? quiet() : null)
    if (step) {
      steps.push(step, now)
      publishedAt = now
      release()
    }
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

  async function nextSnap(): Promise<Snap> {
    const { promise, resolve } = Promise.withResolvers<Snap>()
    waitingForSnap.add(resolve)
    try {
      return await within(FIRST_SNAP_MS, 'The database is not available. Try again shortly.', promise)
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
