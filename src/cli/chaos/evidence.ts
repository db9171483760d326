import type { Edge } from '../../shared/store/dependencies.ts'
import type {
  AttemptRow,
  LinesRow,
  ScheduleRow,
  TaskRow,
  TickRow,
  WorkerRow,
} from '../../shared/store/evidence.ts'
import type { Fault } from './faults.ts'
import type { ServerError } from './load.ts'
import type { Weather } from './plan.ts'

/** What a run leaves for the checker. All times are epoch ms, with fractions, by this machine's true clock. */
export interface Evidence {
  submissions: SubmissionRecord[]
  history: HistoryEvent[]
  tasks: TaskRow[]
  attempts: AttemptRow[]
  schedules: ScheduleRow[]
  /** The ledgers. */
  ticks: TickRow[]
  /** What depends on what. */
  edges: Edge[]
  /** How many lines there are of each attempt that has any. */
  lines: LinesRow[]
  /** Every process that was ever a worker. */
  workers: WorkerRow[]
  /** The kept counts by name. */
  counts: Map<string, number>
  /** How far the executors' clocks may have been from the database's. */
  clockErrorMs: number
  /** So many lost workers make a task fail. */
  maxLosses: number
  weather: Weather
  disturbances: Disturbance[]
  /** Processes that ended, asked to or not. */
  ends: { name: string; at: number }[]
  /** What the schedulers said of their readiness. */
  readiness: ReadinessSample[]
  /** Answers that say that a scheduler cannot do what it was asked to. */
  serverErrors: ServerError[]
  /** When the last fault was over. */
  liftedAt: number
}

/** A fault as it was carried out. */
export interface Disturbance {
  what: string
  fault: Fault
  /** When it was begun, which is before anything could have noticed it. */
  from: number
  /** When it was certainly there; null: it never was. */
  inForceFrom: number | null
  /** Null: it was never over. */
  to: number | null
  /** The processes that it concerns; none: all alike. */
  targets: string[]
  /** Of those, the processes as they ran then. */
  pids: number[]
}

export interface ReadinessSample {
  url: string
  /** When it was asked. */
  at: number
  answeredAt: number
  /** 0: no answer. */
  status: number
}

/** One task that was submitted, as its submitter saw it. */
export interface SubmissionRecord {
  key: string
  /** The task id of each acknowledgement; empty when there was none. */
  acknowledged: string[]
  /** Answers that should not have been given. */
  refusals: string[]
  /** When it was acknowledged first. */
  acknowledgedAt: number | null
  /** When it was asked to run; null: as soon as may be. */
  scheduledAt: number | null
  /** The tasks that it was to depend on. */
  dependsOn: string[]
  /** Whether somebody tried to cancel it. */
  cancelAsked: boolean
  /** Somebody was told that it is cancelled for good. */
  cancelConfirmed: boolean
  /** Whether somebody tried to give it a new life. */
  retryAsked: boolean
  /** When somebody first tried to have it run at once; null: nobody did. */
  runNowAskedAt: number | null
  /** When somebody was told that it is due. */
  runNowConfirmedAt: number | null
  /** Whether somebody tried to delete it. */
  discardAsked: boolean
  /** Somebody was told that it is deleted. */
  discardConfirmed: boolean
}

/** A submission about which nothing is known yet. */
export const newRecord = (key: string): SubmissionRecord => ({
  key,
  acknowledged: [],
  refusals: [],
  acknowledgedAt: null,
  scheduledAt: null,
  dependsOn: [],
  ...{ cancelAsked: false, cancelConfirmed: false, retryAsked: false },
  ...{ runNowAskedAt: null, runNowConfirmedAt: null, discardAsked: false, discardConfirmed: false },
})

/** What an executor wrote down itself, outside of the system. */
export interface HistoryEvent {
  taskId: string
  attempt: number
  event: 'start' | 'completed' | 'failed' | 'stopped'
  pid: number
  at: number
  /** How many lines it prints. */
  lines: number
}
