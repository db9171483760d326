import { freePort } from '../src/cli/up/ports.ts'
import { type Process, startBenchDatabase, startProcess } from './cluster.ts'
import { fillMixed } from './fill.ts'
import { percentile } from './percentile.ts'

/** What any answer that the interface waits for may take, ms, median. */
const BUDGET_MS = 50
const SAMPLES = 15
/** As the dashboard asks: first a page of so many, then larger ones. */
const FIRST = 200
const FURTHER = 500

const STATES = ['pending', 'assigned', 'running', 'completed', 'failed', 'cancelled', 'retrying'] as const
const SEARCHES = ['report', 'nobody has this', '00000000', 'äöü', 'e'] as const

export interface ListsBenchOptions {
  json: boolean
  rows: number
}

interface Timed {
  what: string
  p50Ms: number
  maxMs: number
  rows: number
}

/**
 * How long the scheduler takes to answer what the interface asks, over HTTP, with so many tasks in the table. Sets
 * the exit code to 1 when a median is over the budget.
 */
export async function measureLists({ json, rows }: ListsBenchOptions): Promise<void> {
  const say = (what: string) => {
    if (!json) console.log(what)
  }
  say('Starting PostgreSQL …')
  const database = await startBenchDatabase()
  let scheduler: Process | undefined
  try {
    say(`Filling the table with ${rows.toLocaleString('en')} tasks …`)
    await fillMixed(database, rows)
    // No coordinator: nothing is to change while this is measured.
    const address = `127.0.0.1:${await freePort('127.0.0.1')}`
    scheduler = await startProcess('scheduler', 'scheduler', database.settings, {
      COORDINATOR_ADDRESS: address,
    })
    const results = await measureAll(`http://127.0.0.1:${scheduler.port}`)
    if (!json) console.table(Object.fromEntries(results.map(({ what, ...rest }) => [what, rest])))
    console.log(JSON.stringify(results))
    const slow = results.filter(({ p50Ms }) => p50Ms > BUDGET_MS)
    say(
      slow.length === 0
        ? `All medians are within ${BUDGET_MS} ms.`
        : `${slow.length} are over ${BUDGET_MS} ms.`,
    )
    if (slow.length > 0) process.exitCode = 1
  } finally {
    await scheduler?.stop()
    await database.stop()
  }
}

async function measureAll(url: string): Promise<Timed[]> {
  const results: Timed[] = []
  const time = async (what: string, ask: () => Promise<number>) => {
    const times: number[] = []
    let rows = 0
    // The first ones compile, plan and fill caches.
    for (let turn = -3; turn < SAMPLES; turn++) {
      const startedAt = performance.now()
      rows = await ask()
      if (turn >= 0) times.push(performance.now() - startedAt)
    }
    const round = (ms: number) => Number(ms.toFixed(1))
    results.push({ what, p50Ms: round(percentile(times, 0.5)), maxMs: round(Math.max(...times)), rows })
  }
  const query = async <Data>(procedure: string, input?: object): Promise<Data> => {
    const asked = input ? `?input=${encodeURIComponent(JSON.stringify(input))}` : ''
    const response = await fetch(`${url}/trpc/${procedure}${asked}`)
    if (!response.ok) throw new Error(`${procedure}: ${await response.text()}`)
    return ((await response.json()) as { result: { data: Data } }).result.data
  }
  interface Page {
    tasks: unknown[]
    next_cursor: string | null
  }
  const list = async (input: object) =>
    (await query<Page>('tasks.list', { limit: FIRST, ...input })).tasks.length

  await time('stats', async () => Object.keys(await query<object>('stats')).length)
  await time('list, all', () => list({}))
  await time('list, all, oldest first', () => list({ sort: 'scheduled' }))
  for (const state of STATES) await time(`list, ${state}`, () => list({ state }))
  await time('list, worker', () => list({ worker: 'worker-1' }))
  for (const q of SEARCHES) await time(`list, “${q}”`, () => list({ q }))
  for (const state of STATES) await time(`list, ${state}, “report”`, () => list({ state, q: 'report' }))
  await time('list, “report”, worker, oldest first', () =>
    list({ q: 'report', worker: 'worker-1', sort: 'scheduled' }),
  )
  for (const input of [
    {},
    { q: 'e' },
    { q: 'nobody has this' },
    { state: 'completed', worker: 'worker-1' },
  ]) {
    const { next_cursor: cursor } = await query<Page>('tasks.list', { limit: FIRST, ...input })
    const what = `further page of ${FURTHER}, ${JSON.stringify(input)}`
    await time(what, () => list({ ...input, cursor, limit: FURTHER }))
  }
  return results
}
