import { limitQueue } from '../src/shared/store/queues.ts'
import { type Bench, createDatabase, startBenchDatabase } from './cluster.ts'
import { measureDrain } from './drain.ts'
import { print, say } from './flags.ts'
import { percentile } from './percentile.ts'
import { startSystem } from './system.ts'

const QUEUE = 'bench'

export interface LimitsOptions {
  tasks: number
  runs: number
  keys: number
  /** In flight at once; above what the workers take, so that it costs what it costs and does not hold them back. */
  concurrency: number
}

/** What limits cost: the same drain in a queue that has none, and in one with a concurrency limit and many keys. */
export async function measureLimits({ tasks, runs, keys, concurrency }: LimitsOptions): Promise<void> {
  say('Starting PostgreSQL …')
  const server = await startBenchDatabase()
  try {
    const plain: number[] = []
    const limited: number[] = []
    for (let run = 1; run <= runs; run++) {
      say(
        `Run ${run} of ${runs}, ${tasks.toLocaleString('en')} tasks in a plain queue and in a limited one …`,
      )
      plain.push(await drainIn(server, tasks, () => ({ queue: QUEUE })))
      const keyed = (index: number) => ({ queue: QUEUE, concurrencyKey: `key-${index % keys}` })
      limited.push(await drainIn(server, tasks, keyed, ({ sql }) => limitQueue(sql, QUEUE, { concurrency })))
    }
    const [of, under] = [percentile(plain, 0.5), percentile(limited, 0.5)]
    const ratio = Number((under / of).toFixed(2))
    const perSecond = (value: number) => `${value.toLocaleString('en')} tasks/s`
    print(
      {
        'plain queue': perSecond(of),
        [`concurrency ${concurrency}, ${keys} keys`]: perSecond(under),
        'limited / plain': String(ratio),
      },
      { tasks, keys, concurrency, plain, limited, ratio },
    )
  } finally {
    await server.stop()
  }
}

async function drainIn(
  server: Bench,
  tasks: number,
  fields: Parameters<typeof measureDrain>[3],
  prepare: (database: Bench) => Promise<void> = async () => {},
): Promise<number> {
  const database = await createDatabase(server, 'limits')
  await prepare(database)
  const start = () => startSystem(database, { schedulers: 0 })
  let system: Awaited<ReturnType<typeof start>> | undefined
  try {
    const { perSecond } = await measureDrain(
      database.sql,
      tasks,
      async () => {
        system = await start()
      },
      fields,
    )
    return perSecond
  } finally {
    await system?.stop()
    await database.stop()
  }
}
