import type { TaskRef } from './task.ts'
import { isUuid } from './uuid.ts'

/** What a worker says of an attempt: that it started, how it ended, or that it hands it back unstarted. */
export type ReportKind = 'started' | 'completed' | 'failed' | 'cancelled' | 'returned'

/**
 * Times are ms on the monotonic clock of the process that holds the report. Between processes, and to the
 * database, they travel as how long ago that was, so that no two wall clocks are ever compared.
 */
export interface Report extends TaskRef {
  kind: ReportKind
  slot: number
  startedAt: number | null
  endedAt: number | null
  error: string | null
  output: string | null
  /** The result as JSON text. */
  result?: string | null
  /** Where the error was thrown. */
  stack?: string | null
  /** Of a failure: it would fail again, so it is not retried. */
  final?: boolean
}

/**
 * Folds a later report of the same attempt into an earlier one that is not yet written: the later wins and
 * keeps the earlier's start. An end is never replaced, because an attempt ends once.
 */
export function mergeReports<R extends Report>(earlier: R, later: R): R {
  if (earlier.kind !== 'started') return earlier
  return { ...later, startedAt: later.startedAt ?? earlier.startedAt }
}

/** One report per attempt, in the order in which the attempts first appear. */
export function coalesceReports<R extends Report>(reports: R[]): R[] {
  const byAttempt = new Map<string, R>()
  for (const report of reports) {
    const key = `${report.taskId}#${report.attempt}`
    const earlier = byAttempt.get(key)
    byAttempt.set(key, earlier ? mergeReports(earlier, report) : report)
  }
  return [...byAttempt.values()]
}

const MAX_INT = 2 ** 31 - 1

/** Whether there can be such an attempt; of what there cannot be, nothing is to be kept. */
export const isReportOfTask = ({ taskId, attempt }: TaskRef) =>
  isUuid(taskId) && Number.isInteger(attempt) && attempt >= 0 && attempt <= MAX_INT
