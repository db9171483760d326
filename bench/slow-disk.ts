import { AppError } from '../src/shared/core/error.ts'
import type { Sql } from '../src/shared/store/connect.ts'
import { startBenchDatabase } from './cluster.ts'
import { print, say } from './flags.ts'
import { measureSingles } from './http.ts'
import { samplePickUps } from './latency.ts'
import { type LockWaits, watchLockWaits } from './lock-waits.ts'
import { percentile } from './percentile.ts'
import { slowPostgres, whyNotSlow } from './slow-postgres.ts'
import { type System, startSystem } from './system.ts'

const COMMITS = 50

export interface SlowDiskOptions {
  /** ms that each fdatasync takes longer. */
  delayMs: number
  coordinators: number
  schedulers: number
  samples: number
  /** Inserted one by one, 64 at once: first due later, then due now. */
  singles: number
}

interface Measured {
  commitP50: number
  httpP50: number
  storedToStartedP50: number
  pickUpP50: number
  singlesPerSecond: number
  singlesDueNowPerSecond: number
  lockWaits: LockWaits
}

/** What a slow disk costs: the same on the disk as it is, and with each fdatasync taking longer. */
export async function measureSlowDisk(options: SlowDiskOptions): Promise<void> {
  const why = whyNotSlow()
  if (why) throw new AppError('unavailable', why)
  const { delayMs } = options
  say('The disk as it is …')
  const plain = await measureOn(options)
  say(`Each fdatasync ${delayMs} ms slower …`)
  const slow = await measureOn(options, slowPostgres(delayMs))
  const ms = (of: (measured: Measured) => number) => ({
    'as it is': `${of(plain).toFixed(2)} ms`,
    slow: `${of(slow).toFixed(2)} ms`,
    'slow / as it is': (of(slow) / of(plain)).toFixed(2),
  })
  const perSecond = (of: (measured: Measured) => number) => ({
    'as it is': of(plain).toLocaleString('en'),
    slow: of(slow).toLocaleString('en'),
    'slow / as it is': (of(slow) / of(plain)).toFixed(2),
  })
  print(
    {
      'a commit, p50': ms(({ commitP50 }) => commitP50),
      'HTTP POST → answer, p50': ms(({ httpP50 }) => httpP50),
      'stored → started, p50': ms(({ storedToStartedP50 }) => storedToStartedP50),
      'HTTP POST → started, p50': ms(({ pickUpP50 }) => pickUpP50),
      'singles /s at 64, due later': perSecond(({ singlesPerSecond }) => singlesPerSecond),
      'singles /s at 64, due now': perSecond(({ singlesDueNowPerSecond }) => singlesDueNowPerSecond),
      'sessions waiting for a lock': {
        'as it is': describe(plain.lockWaits),
        slow: describe(slow.lockWaits),
        'slow / as it is': '',
      },
    },
    { ...options, plain, slow },
  )
}

async function measureOn(
  { coordinators, schedulers, samples, singles }: SlowDiskOptions,
  start?: Parameters<typeof startBenchDatabase>[0],
): Promise<Measured> {
  const database = await startBenchDatabase(start)
  const { sql } = database
  let system: System | undefined
  try {
    const commitP50 = await measureCommit(sql)
    system = await startSystem(database, { coordinators, schedulers, history: true })
    await samplePickUps(sql, system.url, system.historyFile, samples)
    const pickUps = await samplePickUps(sql, system.url, system.historyFile, samples)
    const stored = await sql<{ ms: number }[]>`
      SELECT (extract(epoch FROM started_at - created_at) * 1000)::float8 AS ms
      FROM tasks WHERE id = ANY(${pickUps.map(({ id }) => id)}::uuid[])`
    await system.startWorkers()
    const watch = watchLockWaits(sql)
    const later = await measureSingles(system.urls, singles)
    const now = await measureSingles(system.urls, singles, 0)
    const lockWaits = await watch.stop()
    const p50 = (values: number[]) => Number(percentile(values, 0.5).toFixed(3))
    return {
      commitP50,
      httpP50: p50(pickUps.map(({ answeredMs }) => answeredMs)),
      storedToStartedP50: p50(stored.map(({ ms }) => ms)),
      pickUpP50: p50(pickUps.map(({ startedMs }) => startedMs)),
      singlesPerSecond: later,
      singlesDueNowPerSecond: now,
      lockWaits,
    }
  } finally {
    await system?.stop()
    await database.stop()
  }
}

/** ms of a small transaction on one connection: shows that the disk is as slow as it should be. */
async function measureCommit(sql: Sql): Promise<number> {
  await sql`CREATE TABLE bench_commits (number int)`
  const times: number[] = []
  for (let number = 0; number < COMMITS; number++) {
    const startedAt = performance.now()
    await sql`INSERT INTO bench_commits VALUES (${number})`
    times.push(performance.now() - startedAt)
  }
  await sql`DROP TABLE bench_commits`
  return Number(percentile(times, 0.5).toFixed(3))
}

const describe = ({ samples, sessions }: LockWaits) => {
  const seen = Object.entries(sessions).map(([event, count]) => `${count} (${event})`)
  return `${seen.join(', ') || 'none'} in ${samples} looks`
}
