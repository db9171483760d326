import { version } from '../../package.json'
import { readMigrations } from '../../src/shared/store/migrate.ts'
import { event_indexes, event_tables, extensions, system } from './adapter.json'
import type { AdapterConfig } from './config.ts'
import { createWindow, type Percentiles } from './window.ts'

/** Seconds that latencies are taken of. */
const WINDOW_S = 30

/** What is of the system as a whole: only the first replica tells it. */
export interface Depths {
  waiting: number
  inFlight: number
}

export interface Meter {
  /** Counts from now on. */
  begin(): void
  /** One request submitted so many tasks, and took so long. */
  accepted(count: number, tookMs: number): void
  /** A task started and ended, so many ms after its request. */
  ended(startedMs: number, endedMs: number): void
  /**
   * Prints how it went since the last time, a line for each metric.
   *
   * @param depths null: another replica tells of them
   */
  sample(targetRate: number, depths: Depths | null): void
}

/** Says what this is, which the harness holds against adapter.json. */
export async function printDescriptor({ instance, database }: AdapterConfig): Promise<void> {
  const migrations = await readMigrations()
  print({
    kind: 'descriptor',
    system,
    event_tables,
    event_indexes,
    extensions,
    version: [version, await readCommit()].filter(Boolean).join('+'),
    schema_version: migrations.at(-1)?.name.replace('.sql', '') ?? '',
    db_name: database.database,
    started_at: new Date().toISOString(),
    instance_id: instance,
  })
}

export function createMeter({ instance, sampleEverySeconds }: AdapterConfig): Meter {
  const requests = createWindow(WINDOW_S)
  const requestsPerTask = createWindow(WINDOW_S)
  const starts = createWindow(WINDOW_S)
  const ends = createWindow(WINDOW_S)
  let accepted = 0
  let ended = 0
  let sampledAt = performance.now()
  const begin = () => {
    accepted = 0
    ended = 0
    sampledAt = performance.now()
  }
  return {
    begin,
    accepted(count, tookMs) {
      accepted += count
      requests.record(tookMs)
      requestsPerTask.record(tookMs / count, count)
    },
    ended(startedMs, endedMs) {
      ended++
      starts.record(startedMs)
      ends.record(endedMs)
    },
    sample(targetRate, depths) {
      const seconds = (performance.now() - sampledAt) / 1000
      const t = new Date().toISOString()
      const write = (metric: string, value: number, window_s: number) =>
        print({
          ...{ t, system, kind: 'adapter', subject_kind: 'adapter', subject: '', metric, value, window_s },
          instance_id: instance,
        })
      const writeAll = (name: string, { p50, p95, p99 }: Percentiles) => {
        write(`${name}_p50_ms`, p50, WINDOW_S)
        write(`${name}_p95_ms`, p95, WINDOW_S)
        write(`${name}_p99_ms`, p99, WINDOW_S)
      }
      writeAll('producer', requestsPerTask.percentiles())
      writeAll('producer_call', requests.percentiles())
      writeAll('subscriber', starts.percentiles())
      writeAll('claim', starts.percentiles())
      writeAll('end_to_end', ends.percentiles())
      write('enqueue_rate', accepted / seconds, sampleEverySeconds)
      write('completion_rate', ended / seconds, sampleEverySeconds)
      begin()
      if (!depths) return
      write('queue_depth', depths.waiting, 0)
      write('running_depth', depths.inFlight, 0)
      write('total_backlog', depths.waiting + depths.inFlight, 0)
      write('producer_target_rate', targetRate, 0)
    },
  }
}

/** Standard output is the harness's; what is for people goes to standard error. */
const print = (record: object) => void process.stdout.write(`${JSON.stringify(record)}\n`)

/** The short name of the commit that this is of; null without Git. */
async function readCommit(): Promise<string | null> {
  const { stdout, exitCode } = await Bun.$`git rev-parse --short HEAD`
    .cwd(import.meta.dir)
    .nothrow()
    .quiet()
  return exitCode === 0 ? stdout.toString().trim() : null
}
