import { type Bench, createDatabase, startBenchDatabase } from './cluster.ts'
import { fillHistory } from './fill.ts'
import { print, say } from './flags.ts'
import { percentile } from './percentile.ts'
import { measureSpeed, type Speed, type SpeedOptions } from './speed.ts'

export interface FullOptions extends SpeedOptions {
  ended: number
  future: number
  runs: number
}

/** Whether it goes on as before when much has been done: drain and pick-up beside those with an empty table. */
export async function measureFull({ ended, future, runs, ...sizes }: FullOptions): Promise<void> {
  say('Starting PostgreSQL …')
  const server = await startBenchDatabase()
  try {
    const counts = `${ended.toLocaleString('en')} ended and ${future.toLocaleString('en')} future tasks`
    say(`Filling a database with ${counts} …`)
    const filled = await createDatabase(server, 'filled')
    await fillHistory(filled, { ended, future })
    const gigabytes = (await sizeOf(filled)) / 1e9
    const [empties, fulls]: [Speed[], Speed[]] = [[], []]
    for (let run = 1; run <= runs; run++) {
      say(`Run ${run} of ${runs}: in an empty database, and in that one of ${gigabytes.toFixed(1)} GB …`)
      const fresh = await createDatabase(server, 'fresh')
      empties.push(await measureSpeed(fresh, sizes))
      await fresh.stop()
      fulls.push(await measureSpeed(filled, sizes))
    }
    const [empty, full] = [medianOf(empties), medianOf(fulls)]
    const ratio = {
      drain: rounded(full.drain / empty.drain),
      // As with the drain, below 1 is worse.
      pickUpP50: rounded(empty.pickUpP50 / full.pickUpP50),
      pickUpP99: rounded(empty.pickUpP99 / full.pickUpP99),
    }
    print(
      {
        'empty table': describe(empty),
        [counts]: describe(full),
        'full / empty, as a speed': {
          'drain /s': String(ratio.drain),
          'pick-up p50': String(ratio.pickUpP50),
          'pick-up p99': String(ratio.pickUpP99),
        },
      },
      { ended, future, runs, ...sizes, gigabytes: rounded(gigabytes), empty, full, ratio },
    )
  } finally {
    await server.stop()
  }
}

async function sizeOf({ sql }: Bench): Promise<number> {
  const [row] = await sql<{ size: number }[]>`SELECT pg_database_size(current_database()) AS size`
  return row?.size ?? 0
}

interface Median {
  drain: number
  pickUpP50: number
  pickUpP99: number
}

function medianOf(runs: Speed[]): Median {
  const median = (of: (speed: Speed) => number) => percentile(runs.map(of), 0.5)
  return {
    drain: median(({ drainPerSecond }) => drainPerSecond),
    pickUpP50: median(({ pickUp }) => pickUp.p50Ms),
    pickUpP99: median(({ pickUp }) => pickUp.p99Ms),
  }
}

const describe = ({ drain, pickUpP50, pickUpP99 }: Median) => ({
  'drain /s': drain.toLocaleString('en'),
  'pick-up p50': `${pickUpP50.toFixed(2)} ms`,
  'pick-up p99': `${pickUpP99.toFixed(2)} ms`,
})

const rounded = (value: number) => Number(value.toFixed(2))
