import { connect } from '../src/shared/store/connect.ts'
import { onEnd } from './cleanup.ts'
import { type Bench, startBenchDatabase } from './cluster.ts'
import { print, say } from './flags.ts'
import { submitSteadily } from './load.ts'
import { percentile } from './percentile.ts'
import { createPickUpMeter } from './pick-up.ts'
import { type System, startSystem } from './system.ts'

/** Before the transaction is opened, at most; no longer than an interval. */
const WARM_UP_MS = 3000
/** Between two looks at the figures. */
const LOOK_MS = 1000

export interface HeldSnapshotOptions {
  minutes: number
  /** Tasks that arrive in a second. */
  rate: number
  /** Seconds of an interval; each is a row of the table. */
  every: number
}

interface Interval {
  tasksPerSecond: number
  pickUpP50: number
  pickUpP99: number
  figuresP50: number
  figuresMax: number
  /** Submitted and not started at its end. */
  waiting: number
}

/** How pick-up and figures fare while somebody leaves a transaction open, so that nothing that is dead can be removed. */
export async function measureHeldSnapshot({ minutes, rate, every }: HeldSnapshotOptions): Promise<void> {
  say('Starting PostgreSQL and the system …')
  const database = await startBenchDatabase()
  let system: System | undefined
  try {
    system = await startSystem(database, { history: true })
    await submitSteadily({
      urls: system.urls,
      perSecond: rate,
      until: Bun.sleep(Math.min(WARM_UP_MS, every * 1000)),
    })
    const held = await holdSnapshot(database)
    say(`A transaction is open; ${rate} tasks/s for ${minutes} min …`)
    const intervals = await measureIntervals(system, { minutes, rate, every })
    await held.release()

    const ratio = ratioOf(intervals)
    const name = every === 60 ? 'minute' : `${every} s, no.`
    const rows = intervals.map((interval, index) => [`${name} ${index + 1}`, describe(interval)] as const)
    print(
      { ...Object.fromEntries(rows), 'last / first': describeRatio(ratio) },
      { rate, every, intervals, ratio },
    )
  } finally {
    await system?.stop()
    await database.stop()
  }
}

async function measureIntervals(
  { urls, url, historyFile }: System,
  { minutes, rate, every }: HeldSnapshotOptions,
): Promise<Interval[]> {
  const meter = await createPickUpMeter(historyFile)
  const count = Math.max(1, Math.round((minutes * 60) / every))
  const over = Bun.sleep(count * every * 1000)
  const load = submitSteadily({ urls, perSecond: rate, until: over, onAccepted: meter.note })
  const intervals: Interval[] = []
  const startedAt = performance.now()
  for (let interval = 1; interval <= count; interval++) {
    const figures: number[] = []
    const until = startedAt + interval * every * 1000
    while (performance.now() < until) {
      await Promise.race([Bun.sleep(Math.min(LOOK_MS, until - performance.now())), load])
      figures.push(await timeFigures(url))
    }
    const { samples, p50Ms, p99Ms, waiting } = await meter.take()
    const measured: Interval = {
      tasksPerSecond: Math.round(samples / every),
      pickUpP50: p50Ms,
      pickUpP99: p99Ms,
      figuresP50: percentile(figures, 0.5),
      figuresMax: percentile(figures, 1),
      waiting,
    }
    intervals.push(measured)
    say(
      `  ${interval}: pick-up ${p50Ms.toFixed(2)} · ${p99Ms.toFixed(2)} ms, figures ${measured.figuresP50.toFixed(2)} ms`,
    )
  }
  await load
  return intervals
}

/** ms to read the figures as the dashboard does. */
async function timeFigures(url: string): Promise<number> {
  const startedAt = performance.now()
  const response = await fetch(`${url}/trpc/stats`)
  if (!response.ok) throw new Error(`stats: ${await response.text()}`)
  await response.json()
  return performance.now() - startedAt
}

/** Leaves a transaction open that has a snapshot, on a connection of its own. */
async function holdSnapshot({ settings }: Bench): Promise<{ release: () => Promise<void> }> {
  // The server would end it when it has been idle for as long as a statement may take.
  const own = connect({
    ...settings,
    poolMax: 1,
    statementTimeoutMs: 24 * 3_600_000,
    applicationName: 'held',
  })
  const end = onEnd(() => own.end({ timeout: 1 }))
  const released = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  const transaction = own.begin('ISOLATION LEVEL REPEATABLE READ', async (sql) => {
    await sql`SELECT pg_current_xact_id(), (SELECT count(*) FROM workers)`
    held.resolve()
    await released.promise
    // Throws when the server has ended it: then nothing was measured.
    await sql`SELECT 1`
  })
  transaction.catch(() => {})
  await Promise.race([held.promise, transaction])
  return {
    async release() {
      released.resolve()
      await transaction
      await end()
    },
  }
}

function ratioOf(intervals: Interval[]): Pick<Interval, 'pickUpP50' | 'pickUpP99' | 'figuresP50'> {
  const [first, last] = [intervals[0], intervals.at(-1)]
  const ratio = (of: (interval: Interval) => number) =>
    first && last ? Number((of(last) / of(first)).toFixed(2)) : Number.NaN
  return {
    pickUpP50: ratio(({ pickUpP50 }) => pickUpP50),
    pickUpP99: ratio(({ pickUpP99 }) => pickUpP99),
    figuresP50: ratio(({ figuresP50 }) => figuresP50),
  }
}

const describe = (interval: Interval) => ({
  'tasks /s': interval.tasksPerSecond,
  'pick-up p50': `${interval.pickUpP50.toFixed(2)} ms`,
  'pick-up p99': `${interval.pickUpP99.toFixed(2)} ms`,
  'figures p50': `${interval.figuresP50.toFixed(2)} ms`,
  'figures max': `${interval.figuresMax.toFixed(2)} ms`,
  waiting: interval.waiting,
})

const describeRatio = ({ pickUpP50, pickUpP99, figuresP50 }: ReturnType<typeof ratioOf>) => ({
  'pick-up p50': `${pickUpP50}`,
  'pick-up p99': `${pickUpP99}`,
  'figures p50': `${figuresP50}`,
})
