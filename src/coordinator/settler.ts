import { isReportOfTask, mergeReports } from '../shared/core/report.ts'
import { asPlainAscii, harmless } from '../shared/harmless.ts'
import type { Log } from '../shared/log.ts'
import type { Troubles } from '../shared/runtime/troubles.ts'
import type { Sql } from '../shared/store/connect.ts'
import { retryTasks, returnTasks, settleTasks, type WorkerReport } from '../shared/store/dispatch.ts'
import { type Transactions, takenBack } from '../shared/store/transactions.ts'
import { createPersister } from './persist.ts'

/** Reports written by one statement, about. */
const MAX_REPORTS = 1000

export interface SettlerOptions {
  sql: Sql
  transactions: Transactions
  log: Log
  troubles: Troubles
  retryBackoff: { baseMs: number; capMs: number }
  /** Told how long each write took, in ms, once it is committed. */
  onSettled: (reports: WorkerReport[], tookMs: number) => void
}

export interface Settler {
  /** Resolves when the reports are committed, however long the database is away; rejects only after stop. */
  settle(reports: WorkerReport[]): Promise<void>
  /** Writes what was accepted, if the database answers, and refuses the rest. */
  stop(): Promise<void>
}

/** Records what workers report, group-committed. */
export function createSettler(options: SettlerOptions): Settler {
  const { sql, transactions, log, troubles, retryBackoff, onSettled } = options

  // Every statement changes only attempts that are as they were reported, so all of it may be repeated at any point.
  async function write(to: Sql, reports: WorkerReport[]): Promise<void> {
    const ended = reports.filter(({ kind }) => kind !== 'returned')
    const returned = reports.filter(({ kind }) => kind === 'returned')
    const now = performance.now()
    const failed = ended.filter(({ kind }) => kind === 'failed')
    if (failed.length > 0) {
      // What goes back leaves its attempt behind, which has to know when and where it ran.
      await settleTasks(to, failed.map(asStarted), now)
      const again = failed.filter(({ final }) => !final)
      if (again.length > 0) await retryTasks(to, again, now, retryBackoff)
    }
    if (ended.length > 0) await settleTasks(to, ended, now)
    if (returned.length > 0) await returnTasks(to, returned)
  }

  // What waits is bounded by the workers' windows: a worker holds no more than it was given.
  const persister = createPersister<WorkerReport>({
    what: 'reports',
    log,
    troubles,
    write: (reports) => write(sql, reports),
    writeLike: (report) => takenBack(transactions, (tx) => write(tx, [likeReport(report)])),
    replace: asUnstorable,
    keyOf: ({ taskId, attempt }) => `${taskId}#${attempt}`,
    merge: mergeReports,
    weigh: () => 1,
    maxWeight: MAX_REPORTS,
    onStored: onSettled,
  })

  return {
    settle: (reports) => persister.store(reports.filter(isReport)),
    stop: persister.stop,
  }
}

/** Of a kind that nobody knows there is nothing to write. */
const isReport = (report: WorkerReport) => isReportOfTask(report) && report.kind !== undefined

const asStarted = (report: WorkerReport): WorkerReport => ({
  ...report,
  ...{ kind: 'started', error: null, stack: null, output: null, result: null },
})

/** The same report with texts that are as long and that every database stores. */
const likeReport = ({ error, stack, output, result, ...report }: WorkerReport): WorkerReport => ({
  ...report,
  error: error === null ? null : harmless(error),
  stack: stack ? harmless(stack) : null,
  output: output === null ? null : harmless(output),
  result: result ? JSON.stringify(harmless(result)) : null,
})

/** Ends the task as failed, charged and not retried: it has run, and would say the same if it ran again. */
function asUnstorable(report: WorkerReport, reason: string): WorkerReport | null {
  const { kind } = report
  if (kind === 'started' || kind === 'returned') return null
  const error = [
    `The attempt ended as ${kind}, but what it said cannot be stored: ${asPlainAscii(reason)}`,
    'Change what the task prints, throws or returns, then retry it.',
  ].join(' ')
  return {
    ...report,
    ...{
      kind: kind === 'cancelled' ? kind : 'failed',
      final: true,
      error,
      stack: null,
      output: null,
      result: null,
    },
  }
}
