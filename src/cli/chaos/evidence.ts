import type { TaskState } from '../../shared/core/task.ts'

/** What a run leaves for the checker. All times are epoch ms, with fractions, by this machine's true clock. */
export interface Evidence {
  submissions: SubmissionRecord[]
  history: HistoryEvent[]
  tasks: TaskRow[]
  attempts: AttemptRow[]
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

export interface TaskRow {
  id: string
  state: TaskState
  attempt: number
  maxRetries: number
  failures: number
  losses: number
  scheduledAt: number
  pickedAt: number | null
  startedAt: number | null
  completedAt: number | null
  failedAt: number | null
  cancelledAt: number | null
  workerId: number | null
  error: string | null
  idempotencyKey: string | null
}

/** An attempt that was not the last of its task. */
export interface AttemptRow {
  taskId: string
  attempt: number
  outcome: 'failed' | 'lost' | 'returned'
  pickedAt: number
  error: string | null
}
