import type { Histogram } from '../../shared/core/histogram.ts'
import type { TaskState } from '../../shared/core/task.ts'
import type { Span, WorkerStanding } from '../../shared/store/spans.ts'
import type { FeedEvent } from '../feed/event.ts'
import type { HealthView } from '../operations/health/view.ts'

export interface LiveWorker extends WorkerStanding {
  busySlots: number
}

/** What happened in one second. */
export interface Buckets {
  /** Epoch s. */
  at: number
  completed: number
  failed: number
  /** How long due tasks waited until they were picked, in ms. */
  wait: Histogram
  /** How long attempts ran. */
  run: Histogram
}

/** In every message: whether what is shown can be believed. */
interface Standing {
  /** Rises with every delta of this scheduler, across its restarts too. */
  seq: number
  /** Epoch ms by the database's clock. */
  at: number
  health: HealthView
  /** ms since the figures were last known to be current, when this was sent; null when they never were. */
  dataAgeMs: number | null
}

interface Figures extends Standing {
  counts: Record<TaskState, number>
  /** Tasks completed per second, over the last 10 s. */
  throughput: number
  queueDepth: number
}

/** Nothing is known now: the database is away. A snap follows when it is back. */
export interface Unknown extends Standing {
  type: 'unknown'
}

/** How everything stands. */
export interface Snap extends Figures {
  type: 'snap'
  /** Whether workers can be started and killed from here. */
  fleet: boolean
  workers: LiveWorker[]
  /** What is held now, and what ended in the last minute. */
  spans: Span[]
  /** The last five minutes; seconds in which nothing happened are left out. */
  buckets: Buckets[]
  log: FeedEvent[]
}

/** What has changed since the message before: the latest of each worker, attempt and second. */
export interface Delta extends Figures {
  type: 'delta'
  workers: LiveWorker[]
  spans: Span[]
  buckets: Buckets[]
  log: FeedEvent[]
  /** How many attempts and events were left out of this message, because there were too many. */
  dropped: number
}

export type LiveMessage = Unknown | Snap | Delta
