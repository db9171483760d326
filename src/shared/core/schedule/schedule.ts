import type { Submission } from '../submission.ts'
import type { Outcome, Policy } from './due.ts'
import type { Timing } from './timetable.ts'

/** What its owner says of a schedule. */
export interface ScheduleFields extends Timing, Policy {
  name: string
  /** The task of each tick. */
  task: Submission
}

export interface Schedule extends ScheduleFields {
  id: string
  createdAt: Date
  updatedAt: Date
  /** Raised by every edit. */
  version: number
  pausedAt: Date | null
  /** The first tick that is not in the ledger; null when there is none. */
  nextAt: Date | null
  /** Ticks that wait for the task of an earlier one. */
  queued: number
}

/** What became of a tick. */
export interface Tick {
  tickAt: Date
  outcome: Outcome
  reason: string | null
  taskId: string | null
  /** ms from the tick to its outcome, by the database's clock. */
  lagMs: number
  at: Date
}
