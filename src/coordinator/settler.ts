import { type Batcher, createBatcher } from '../shared/batcher.ts'
import { coalesceReports } from '../shared/core/report.ts'
import type { Log } from '../shared/log.ts'
import type { Sql } from '../shared/store/connect.ts'
import { retryTasks, returnTasks, settleTasks, type WorkerReport } from '../shared/store/dispatch.ts'
import { persist } from './persist.ts'

/** Reports written by one statement, about. */
const MAX_REPORTS = 1000

export interface SettlerOptions {
  sql: Sql
  log: Log
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
export function createSettler({ sql, log, retryBackoff, onSettled }: SettlerOptions): Settler {
  let stopping = false

  async function write(batch: WorkerReport[][]): Promise<undefined[]> {
    const reports = coalesceReports(batch.flat())
    const startedAt = performance.now()
    await persist(reports, { write: writeOnce, what: 'report', log, isStopping: () => stopping })
    const tookMs = performance.now() - startedAt
    log.debug({ reports: reports.length, tookMs }, 'Settled')
    onSettled(reports, tookMs)
    return batch.map(() => undefined)
  }

  async function writeOnce(reports: WorkerReport[]): Promise<void> {
    const ended = reports.filter(({ kind }) => kind !== 'returned')
    const returned = reports.filter(({ kind }) => kind === 'returned')
    const now = performance.now()
    const failed = ended.filter(({ kind }) => kind === 'failed')
    if (failed.length > 0) {
      // What goes back leaves its attempt behind, which has to know when and where it ran.
      await settleTasks(sql, failed.map(asStarted), now)
      const again = failed.filter(({ final }) => !final)
      if (again.length > 0) await retryTasks(sql, again, now, retryBackoff)
    }
    if (ended.length > 0) await settleTasks(sql, ended, now)
    if (returned.length > 0) await returnTasks(sql, returned)
  }

  // What waits is bounded by the workers' windows: a worker holds no more than it was given.
  const batcher: Batcher<WorkerReport[], undefined> = createBatcher({
    write,
    maxItems: MAX_REPORTS,
    weigh: (reports) => reports.length,
    maxWaiting: Number.POSITIVE_INFINITY,
  })

  return {
    settle: (reports) => batcher.add(reports),
    async stop() {
      stopping = true
      await batcher.close()
    },
  }
}

const asStarted = (report: WorkerReport): WorkerReport => ({
  ...report,
  ...{ kind: 'started', error: null, stack: null, output: null, result: null },
})
