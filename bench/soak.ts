import { startBenchDatabase } from './cluster.ts'
import { print, say } from './flags.ts'
import { submitSteadily } from './load.ts'
import { memoryOf, type System, startSystem } from './system.ts'

/** Before the first sample, in which the services load and compile what they need: a tenth of the time, at most this. */
const WARM_UP_MS = 60_000
const HOUR_MS = 3_600_000

export interface SoakOptions {
  minutes: number
  /** Tasks in a second. */
  rate: number
  /** Seconds between two samples. */
  every: number
}

interface Sample {
  /** ms since the first. */
  at: number
  mib: Record<string, number>
}

/** The memory of each process over time, under a steady load. */
export async function measureSoak({ minutes, rate, every }: SoakOptions): Promise<void> {
  say('Starting PostgreSQL and the system …')
  const database = await startBenchDatabase()
  let system: System | undefined
  try {
    system = await startSystem(database)
    const { urls } = system
    const warmUpMs = Math.min(WARM_UP_MS, minutes * 6000)
    await submitSteadily({ urls, perSecond: rate, until: Bun.sleep(warmUpMs) })
    say(`${rate} tasks/s for ${minutes} min; resident memory, MiB:`)
    const count = Math.max(1, Math.round((minutes * 60) / every))
    const over = Bun.sleep(count * every * 1000)
    const load = submitSteadily({ urls, perSecond: rate, until: over })
    const samples: Sample[] = []
    const startedAt = performance.now()
    for (let turn = 0; turn <= count; turn++) {
      const until = startedAt + turn * every * 1000
      if (turn < count) await Promise.race([Bun.sleep(until - performance.now()), load])
      else await load
      const mib = await memoryOf(system)
      samples.push({ at: performance.now() - startedAt, mib })
      say(`  ${(turn * every).toString().padStart(5)} s  ${describe(mib)}`)
    }
    const accepted = await load
    const rows = Object.keys(samples[0]?.mib ?? {}).map((name) => [name, summarise(samples, name)] as const)
    say('')
    const result = Object.fromEntries(rows)
    print(tabulate(result), { rate, minutes, every, accepted, processes: result, samples })
  } finally {
    await system?.stop()
    await database.stop()
  }
}

interface Summary {
  first: number
  last: number
  largest: number
  /** MiB an hour, of the straight line that fits best. */
  slope: number
}

function summarise(samples: Sample[], name: string): Summary {
  const points = samples.map(({ at, mib }) => ({ x: at / HOUR_MS, y: mib[name] ?? 0 }))
  const values = points.map(({ y }) => y)
  return {
    first: values[0] ?? 0,
    last: values.at(-1) ?? 0,
    largest: Math.max(...values),
    slope: Number(slopeOf(points).toFixed(1)),
  }
}

function slopeOf(points: { x: number; y: number }[]): number {
  const mean = (of: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)]
  const spread = mean((point) => (point.x - x) ** 2)
  return spread === 0 ? 0 : mean((point) => (point.x - x) * (point.y - y)) / spread
}

const tabulate = (summaries: Record<string, Summary>) =>
  Object.fromEntries(
    Object.entries(summaries).map(([name, { first, last, largest, slope }]) => [
      name,
      {
        first: `${first} MiB`,
        last: `${last} MiB`,
        largest: `${largest} MiB`,
        slope: `${slope > 0 ? '+' : ''}${slope} MiB/h`,
      },
    ]),
  )

const describe = (mib: Record<string, number>) =>
  Object.entries(mib)
    .map(([name, value]) => `${name} ${value}`)
    .join('  ')
