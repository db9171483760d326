import { type Batcher, createBatcher } from '../shared/batcher.ts'
import { backoffMs } from '../shared/core/backoff.ts'
import { coalesceReports } from '../shared/core/report.ts'
import type { Log } from '../shared/log.ts'
import { isUnavailable, type Sql } from '../shared/store/connect.ts'
import { retryTasks, returnTasks, settleTasks, type WorkerReport } from '../shared/store/dispatch.ts'

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
    await writeAll(reports)
    const tookMs = performance.now() - startedAt
    log.debug({ reports: reports.length, tookMs }, 'Settled')
    onSettled(reports, tookMs)
    return batch.map(() => undefined)
  }

  /** Waits for the database as long as it is away; a report it will not have is left out, not the others. */
  async function writeAll(reports: WorkerReport[]): Promise<void> {
    for (let failures = 0; ; failures++) {
      try {
        return await writeOnce(reports)
      } catch (error) {
        if (stopping) throw error
        if (!isUnavailable(error) && reports.length === 1) {
          log.error({ err: error, report: reports[0] }, 'A report cannot be stored; left out')
          return
        }
        if (!isUnavailable(error)) {
          const half = reports.length >> 1
          await writeAll(reports.slice(0, half))
          return await writeAll(reports.slice(half))
        }
        const pauseMs = 20 + backoffMs(failures, Math.random(), { baseMs: 50, capMs: 1000 })
        log.warn(
          { err: error, reports: reports.length, pauseMs: Math.round(pauseMs) },
          'Could not settle; trying again',
        )
        await Bun.sleep(pauseMs)
      }
    }
  }

  async function writeOnce(reports: WorkerReport[]): Promise<void> {
    const ended = reports.filter(({ kind }) => kind !== 'returned')
    const returned = reports.filter(({ kind }) => kind === 'returned')
    const now = performance.now()
    const failed = ended.filter(({ kind }) => kind === 'failed')
    if (failed.length > 0) {
      // What goes back leaves its attempt behind, which has to know when and where it ran.
      await settleTasks(
        sql,
        failed.map((report) => ({ ...report, kind: 'started' as const, error: null, output: null })),
        now,
      )
      await retryTasks(sql, failed, now, retryBackoff)
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
