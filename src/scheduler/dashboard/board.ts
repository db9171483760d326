import { TASK_STATES, type TaskState } from '../../shared/core/task.ts'
import type { ChangeNotice } from '../../shared/store/channel.ts'
import type { Sql } from '../../shared/store/connect.ts'
import { readStateCounts } from '../../shared/store/counts.ts'
import { findSpans, listHeldSpans, listStandings, type WorkerStanding } from '../../shared/store/spans.ts'
import type { FeedEvent } from '../feed/event.ts'
import type { Feed, Follower } from '../feed/feed.ts'
import type { Health } from '../operations/health/health.ts'
import { createAttempts } from './attempts.ts'
import { coalesce, type Step } from './coalesce.ts'
import type { LiveWorker, Snap, Unknown } from './messages.ts'
import { createSeconds } from './seconds.ts'

export interface BoardOptions {
  sql: Sql
  feed: Feed
  health: Pick<Health, 'view'>
  /** ms of silence after which a worker is gone. */
  silenceMs: number
  fleet: () => boolean
}

/** What the dashboard shows, kept up to date while somebody looks: notices say what to read, the tables what is. */
export interface Board {
  /** Always told, so that whoever comes finds the last minutes. */
  note(notice: ChangeNotice): void
  /** Notices may be missing: everything is read again. */
  distrust(): void
  wake(): void
  sleep(): void
  /**
   * Reads what has to be read.
   *
   * @returns what has changed; null when nothing has
   */
  read(seq: number, nowMs: number): Promise<Step | null>
  /** How everything stands by the last `read`. */
  snap(seq: number): Snap
  /** ms since what is shown was last known to be current; null before the first `read`. */
  ageMs(nowMs: number): number | null
  /** What can be said while nothing is known. */
  unknown(seq: number): Unknown
}

const SECONDS = 300
const MAX_HELD = 2000
const MAX_LOG = 200
const GONE_MS = 300_000
export const LIMITS = { spans: 1000, log: 50 }
/** Attempts looked up by one read. */
const MAX_LOOKED_UP = 500
/** ms between two reads of the same, at least; and, of the workers, at most. */
const HELD_PAUSE_MS = 300
const COUNTS_PAUSE_MS = 250
const WORKERS_PAUSE_MS = 1000
/** ms after which notices are taken to be missing, and the tables are looked at without them. */
const FEED_SILENCE_MS = 2000

export function createBoard({ sql, feed, health, silenceMs, fleet }: BoardOptions): Board {
  const attempts = createAttempts({ maxWaiting: 2000, maxEnded: 1500, keepMs: 60_000 })
  const seconds = createSeconds(SECONDS)
  let follower: Follower | null = null
  let log: FeedEvent[] = []
  let standings: WorkerStanding[] = []
  let shown = new Map<number, string>()
  let counts = Object.fromEntries(TASK_STATES.map((state) => [state, 0])) as Record<TaskState, number>
  /** Of the database's clock, ahead of ours, in ms. */
  let aheadMs = 0
  const due = { held: true, counts: true, workers: true, everything: true }
  const readAt = { held: 0, counts: 0, workers: 0 }

  let currentAt: number | null = null

  const clock = () => Math.round(Date.now() + aheadMs)

  function distrust() {
    Object.assign(due, { held: true, counts: true, workers: true })
    Object.assign(readAt, { held: 0, counts: 0, workers: 0 })
  }

  async function readHeld(now: number) {
    if (due.held && now - readAt.held >= HELD_PAUSE_MS) {
      due.held = false
      readAt.held = now
      attempts.held(await listHeldSpans(sql, MAX_HELD))
    }
    const refs = attempts.take(due.everything ? Number.POSITIVE_INFINITY : MAX_LOOKED_UP)
    if (refs.length === 0) return
    try {
      attempts.found(refs, await findSpans(sql, refs), clock())
    } catch (error) {
      attempts.again(refs)
      throw error
    }
  }

  async function readCountsNow(now: number) {
    if (!due.counts || now - readAt.counts < COUNTS_PAUSE_MS) return false
    due.counts = false
    readAt.counts = now
    const before = counts
    counts = await readStateCounts(sql)
    return TASK_STATES.some((state) => counts[state] !== before[state])
  }

  async function readWorkers(now: number) {
    if (!due.workers && now - readAt.workers < WORKERS_PAUSE_MS) return
    due.workers = false
    readAt.workers = now
    const found = await listStandings(sql, { silenceMs, goneMs: GONE_MS })
    aheadMs = found.at - Date.now()
    standings = found.workers
  }

  async function readLog(): Promise<FeedEvent[]> {
    const entries = (await follower?.take(5000, 0)) ?? []
    const events = entries.map(({ event }) => event)
    log = [...log, ...events].slice(-MAX_LOG)
    return events
  }

  function liveWorkers(): LiveWorker[] {
    const busy = attempts.busy()
    return standings.map((worker) => ({
      ...worker,
      busySlots: worker.online ? Math.min(worker.slots, busy.get(worker.id) ?? 0) : 0,
    }))
  }

  // Null: it is not known yet whether notices come.
  function isFeedSilent(now: number) {
    const heardAt = feed.currentAt()
    return heardAt !== null && now - heardAt > FEED_SILENCE_MS
  }

  function ageMs(now: number) {
    return currentAt === null ? null : Math.max(0, Math.round(now - currentAt))
  }

  const standing = (seq: number) => ({
    seq,
    at: clock(),
    health: health.view(),
    dataAgeMs: ageMs(performance.now()),
  })

  const figures = (seq: number) => ({
    ...standing(seq),
    counts,
    throughput: feed.completedPerSecond(),
    queueDepth: counts.pending + counts.assigned,
  })

  return {
    note(notice) {
      due.counts = true
      if (notice.type === 'worker_online' || notice.type === 'worker_offline') due.workers = true
      // Only some of what happened is named: which of the shown it concerns, the table has to say.
      if (notice.count > notice.rows.length) due.held = true
      attempts.note(notice)
      seconds.add(notice)
    },
    distrust,

    wake() {
      distrust()
      due.everything = true
      log = []
      follower ??= feed.follow('backlog')
    },

    sleep() {
      follower?.close()
      follower = null
      attempts.forget()
      shown = new Map()
    },

    async read(seq, nowMs) {
      let hasCounts = false
      const isSilent = isFeedSilent(nowMs)
      if (isSilent && nowMs - readAt.counts >= WORKERS_PAUSE_MS) due.counts = due.held = true
      try {
        ;[hasCounts] = await Promise.all([readCountsNow(nowMs), readHeld(nowMs), readWorkers(nowMs)])
      } catch (error) {
        distrust()
        throw error
      }
      due.everything = false
      // Workers are read once a second; counts when a notice says so, which says something only while notices come.
      if (readAt.workers === nowMs && (!isSilent || readAt.counts === nowMs)) currentAt = nowMs
      const events = await readLog()
      const now = liveWorkers()
      const workers = now.filter((worker) => shown.get(worker.id) !== JSON.stringify(worker))
      shown = new Map(now.map((worker) => [worker.id, JSON.stringify(worker)]))
      const { spans, born, dropped } = attempts.changes()
      const buckets = seconds.changed()
      const parts = [workers, spans, buckets, events]
      if (!hasCounts && dropped === 0 && parts.every(({ length }) => length === 0)) return null
      const delta = { type: 'delta' as const, ...figures(seq), workers, spans, buckets, log: events, dropped }
      return coalesce([{ delta, born }], LIMITS)
    },

    snap(seq) {
      const now = figures(seq)
      return {
        type: 'snap',
        ...now,
        fleet: fleet(),
        workers: liveWorkers(),
        spans: attempts.all(now.at),
        buckets: seconds.all(),
        log,
      }
    },
    ageMs,
    unknown: (seq) => ({ type: 'unknown', ...standing(seq) }),
  }
}
