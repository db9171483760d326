import type { Edge } from '../../shared/store/dependencies.ts'
import type { AttemptRow, ScheduleRow, TaskRow, TickRow } from '../../shared/store/evidence.ts'

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
  /** The kept counts by name. */
  counts: Map<string, number>
  /** How far the executors' clocks may have been from the database's. */
  clockErrorMs: number
  /** So many lost workers make a task fail. */
  maxLosses: number
}

/** One task that was submitted, as its submitter saw it. */
export interface SubmissionRecord {
  key: string
  /** The task id of each acknowledgement; empty when there was none. */
  acknowledged: string[]
  /** Answers that should not have been given. */
  refusals: string[]
  /** When it was asked to run; null: as soon as may be. */
  scheduledAt: number | null
  /** The tasks that it was to depend on. */
  dependsOn: string[]
  /** Whether somebody tried to cancel it. */
  cancelAsked: boolean
  /** Somebody was told that it is cancelled for good. */
  cancelConfirmed: boolean
}

/** What an executor wrote down itself, outside of the system. */
export interface HistoryEvent {
  taskId: string
  attempt: number
  event: 'start' | 'completed' | 'failed' | 'stopped'
  pid: number
  at: number
}
