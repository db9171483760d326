import { onEnd, unlessInterrupted } from '../cleanup.ts'
import { type Bench, createDatabase, startBenchDatabase } from '../cluster.ts'
import { print, say } from '../flags.ts'
import { percentile } from '../percentile.ts'
import type { Order } from './child.ts'
import { CONTENDERS, type Contender } from './contenders.ts'
import type { Figures, PeerSettings, Sizes } from './peer.ts'
import { findRedis } from './redis.ts'
import { measureTaskMaster } from './taskmaster.ts'

const OURS = 'TaskMaster'
const SINGLES = 5000

export interface CompareOptions {
  runs: number
  tasks: number
  samples: number
  /** After which a drain, or the pick-up, of a peer is given up. */
  seconds: number
  /** Words of the names of those that are compared; null: all. */
  only: string[] | null
}

type Results = Map<string, Figures[]>

/** TaskMaster and its peers on one PostgreSQL server, in turn, each run in a new database and in new processes. */
export async function comparePeers({ runs, tasks, samples, seconds, only }: CompareOptions): Promise<void> {
  const redis = await findRedis()
  const isMeant = ({ name }: Contender) =>
    only?.some((word) => name.toLowerCase().includes(word.toLowerCase())) ?? true
  const meant = CONTENDERS.filter(isMeant)
  const peers = meant.filter(({ needsRedis }) => !needsRedis || redis)
  if (peers.length < meant.length) {
    say('No Redis was found (REDIS_URL, redis-server, valkey-server): BullMQ on Redis is left out.')
  }
  const sizes: Sizes = {
    tasks,
    singles: Math.min(SINGLES, tasks),
    samples,
    warmUp: 3 * samples,
    limitMs: seconds * 1000,
  }
  say('Starting PostgreSQL …')
  const server = await startBenchDatabase()
  const results: Results = new Map()
  const note = (name: string, figures: Figures) => {
    results.set(name, [...(results.get(name) ?? []), figures])
    say(`  ${name}: ${describe(figures)}`)
  }
  try {
    for (let run = 1; run <= runs; run++) {
      say(`Run ${run} of ${runs}, ${tasks.toLocaleString('en')} tasks …`)
      note(OURS, await inNewDatabase(server, (database) => measureTaskMaster(database, sizes)))
      for (const { name } of peers) {
        const measure = ({ settings: { host, port, user, password, database } }: Bench) =>
          measureInProcess(
            name,
            { host, port, user, password, database, redisUrl: redis?.url ?? null },
            sizes,
          )
        await inNewDatabase(server, measure).then(
          (figures) => note(name, figures),
          (error: Error) => say(`  ${name}: left out, ${error.message}`),
        )
      }
    }
    const medians = new Map([...results].map(([name, figures]) => [name, medianOf(figures)]))
    say('')
    say(`Medians of ${runs} runs. In brackets: TaskMaster's figure divided by this one.`)
    print(tabulate(medians), {
      runs,
      sizes,
      medians: Object.fromEntries(medians),
      all: Object.fromEntries(results),
    })
  } finally {
    await server.stop()
    await redis?.stop()
  }
}

async function inNewDatabase<T>(server: Bench, measure: (database: Bench) => Promise<T>): Promise<T> {
  const database = await createDatabase(server, 'contender')
  try {
    return await measure(database)
  } finally {
    await database.stop()
    // What one left to write, the next one would wait for.
    await server.sql`CHECKPOINT`
  }
}

/** @throws when the process ends without figures */
async function measureInProcess(contender: string, settings: PeerSettings, sizes: Sizes): Promise<Figures> {
  const order: Order = { contender, settings, sizes }
  await unlessInterrupted()
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/child.ts`], {
    // A group of its own: its children end with it.
    detached: true,
    env: { PATH: process.env.PATH ?? '', ORDER: JSON.stringify(order) },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const stop = onEnd(async () => {
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      // All of it has ended.
    }
    await child.exited
  })
  // Pick-up and drain are limited, inserts are not: a peer that hangs is given up.
  const hung = setTimeout(() => void stop(), 6 * sizes.limitMs + 120_000)
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  clearTimeout(hung)
  await stop()
  const last = out.trim().split('\n').at(-1) ?? ''
  try {
    return JSON.parse(last) as Figures
  } catch {
    throw new Error(err.trim().split('\n').slice(-5).join(' ') || `it ended with ${child.exitCode}`)
  }
}

function medianOf(runs: Figures[]): Figures {
  const median = (of: (figures: Figures) => number | null) => {
    const values = runs.map(of).filter((value) => value !== null)
    return values.length > 0 ? percentile(values, 0.5) : null
  }
  return {
    drain: median(({ drain }) => drain) ?? Number.NaN,
    batches: median(({ batches }) => batches) ?? Number.NaN,
    singles: median(({ singles }) => singles) ?? Number.NaN,
    pickUpP50: median(({ pickUpP50 }) => pickUpP50),
    pickUpP99: median(({ pickUpP99 }) => pickUpP99),
  }
}

function tabulate(medians: Map<string, Figures>): Record<string, Record<string, string>> {
  const ours = medians.get(OURS)
  const cell = (of: keyof Figures, figures: Figures, digits: number) => {
    const [value, base] = [figures[of], ours?.[of]]
    if (value === null) return '–'
    const text = value.toLocaleString('en', { maximumFractionDigits: digits })
    return figures === ours || !base ? text : `${text} (${(base / value).toFixed(2)})`
  }
  return Object.fromEntries(
    [...medians].map(([name, figures]) => [
      name,
      {
        'drain /s': cell('drain', figures, figures.drain < 10 ? 1 : 0),
        'insert /s, batches': cell('batches', figures, 0),
        'insert /s, singles at 64': cell('singles', figures, 0),
        'pick-up p50 ms': cell('pickUpP50', figures, 2),
        'pick-up p99 ms': cell('pickUpP99', figures, 2),
      },
    ]),
  )
}

const describe = ({ drain, batches, singles, pickUpP50, pickUpP99 }: Figures) =>
  [
    `drain ${drain.toFixed(drain < 10 ? 1 : 0)}/s`,
    `insert ${batches.toFixed(0)}/s and ${singles.toFixed(0)}/s`,
    `pick-up ${pickUpP50?.toFixed(2) ?? '–'} · ${pickUpP99?.toFixed(2) ?? '–'} ms`,
  ].join(', ')
