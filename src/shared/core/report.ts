import type { TaskRef } from './task.ts'

/** What a worker says of an attempt: that it started, how it ended, or that it hands it back unstarted. */
export type ReportKind = 'started' | 'completed' | 'failed' | 'returned'

export interface Report extends TaskRef {
  kind: ReportKind
  slot: number
  /** ms since it started, by a monotonic clock at the moment the report is passed on; null if it did not. */
  startedAgoMs: number | null
  /** ms since it ended, likewise. */
  endedAgoMs: number | null
  error: string | null
  output: string | null
}

/**
 * Folds a later report of the same attempt into an earlier one that is still unsent: the later wins and
 * keeps the earlier's start. An end is never replaced, because an attempt ends once.
 */
export function mergeReports(earlier: Report, later: Report): Report {
  if (earlier.kind !== 'started') return earlier
  return { ...later, startedAgoMs: later.startedAgoMs ?? earlier.startedAgoMs }
}
