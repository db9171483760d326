import { freePort } from '../src/cli/up/ports.ts'
import type { Sql } from '../src/shared/store/connect.ts'
import { type Process, startBenchDatabase, startProcess } from './cluster.ts'
import { percentile } from './percentile.ts'

/** What any answer that the interface waits for may take, ms, median. */
const BUDGET_MS = 50
const SAMPLES = 15
const STEP = 50_000
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
    await fill(database.sql, rows)
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

/** Mostly ended tasks, as tables are that have been used for long; every state has some. */
async function fill(sql: Sql, rows: number): Promise<void> {
  const indexes = await sql<{ name: string; definition: string }[]>`
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
    FROM pg_index WHERE indrelid = 'task_records'::regclass AND NOT indisprimary`
  await sql`
    INSERT INTO workers (id, name, link, slots, coordinator_id, session, offline_at)
    SELECT n, 'worker-' || n, 'stream', 5, gen_random_uuid(), gen_random_uuid(), now() FROM generate_series(1, 3) AS n`
  for (const { name } of indexes) await sql`DROP INDEX ${sql(name)}`
  for (let from = 1; from <= rows; from += STEP) {
    const to = Math.min(rows, from + STEP - 1)
    await sql`
      WITH given AS MATERIALIZED (
      SELECT uuidv7() AS id, CASE n % 4 WHEN 0 THEN 'nightly ' || n ELSE '' END AS name,
        (ARRAY['send the report of today to everyone who asked for it', 'resize images', 'reindex', 'demo-job'])[1 + n % 4] AS command,
        at, picked, started,
        CASE WHEN kind >= 6 AND n > 50 THEN started END AS completed, CASE WHEN kind BETWEEN 2 AND 4 THEN started END AS failed,
        CASE WHEN kind = 5 THEN at END AS cancelled, CASE WHEN picked IS NOT NULL THEN 1 + n % 3 END AS worker,
        CASE WHEN started IS NOT NULL THEN n % 5 END AS slot, CASE WHEN picked IS NOT NULL THEN 1 ELSE 0 END AS attempt,
        CASE WHEN kind = 1 THEN 1 ELSE 0 END AS failures, CASE WHEN kind BETWEEN 2 AND 4 THEN 'exit code 1' END AS error
      FROM (
        SELECT n, kind, at, CASE WHEN kind > 1 AND kind <> 5 OR n <= 50 THEN at END AS picked,
          CASE WHEN kind > 1 AND kind <> 5 AND n > 10 THEN at END AS started
        FROM (
          SELECT n, CASE WHEN n <= 50 THEN 6 ELSE n % 100 * 7919 % 100 END AS kind, now() - n * interval '1 s' AS at
          FROM generate_series(${from}::int, ${to}::int) AS n
        ) AS drawn
      ) AS made
      ), told AS (
        SELECT *, num_nonnulls(completed, failed, cancelled) > 0 AS ended FROM given
      ), recorded AS (
        INSERT INTO task_records (id, name, command, scheduled_at, due_at, picked_at, started_at, completed_at, failed_at,
          cancelled_at, worker_id, slot, attempt, max_retries, failures, error)
        SELECT id, name, command, at, at, CASE WHEN ended THEN picked END, CASE WHEN ended THEN started END, completed, failed,
          cancelled, CASE WHEN ended THEN worker END, CASE WHEN ended THEN slot END, CASE WHEN ended THEN attempt ELSE 0 END, 3,
          failures, error FROM told
      ), queued AS (
        INSERT INTO ready (task_id, due_at, attempt, priority, routing, lane)
        SELECT id, at, 1, 0, '//', '//' FROM told WHERE picked IS NULL AND NOT ended
      ), given_out AS (
        INSERT INTO held (task_id, picked_at, worker_id, attempt, lane, started_at, slot)
        SELECT id, picked, worker, 1, '//', started, slot FROM told WHERE picked IS NOT NULL AND NOT ended
      )
      INSERT INTO count_deltas (name, value)
      SELECT CASE WHEN completed IS NOT NULL THEN 'completed' WHEN failed IS NOT NULL THEN 'failed'
        WHEN cancelled IS NOT NULL THEN 'cancelled' WHEN started IS NOT NULL THEN 'running'
        WHEN picked IS NOT NULL THEN 'assigned' ELSE 'pending' END, count(*) FROM told GROUP BY 1`
  }
  for (const { definition } of indexes) await sql.unsafe(definition)
  await sql`INSERT INTO levels (routing, priority, lane) VALUES ('//', 0, '//')`
  await sql`SELECT fold_counts()`
  await sql`VACUUM ANALYZE task_records`
}
