import { afterAll, beforeAll, expect, test } from 'bun:test'
import { PLAIN } from '../../../src/shared/core/lane.ts'
import { PRIORITIES } from '../../../src/shared/core/task.ts'
import { connect, type Sql } from '../../../src/shared/store/connect.ts'
import { readCounts } from '../../../src/shared/store/counts.ts'
import {
  type ClaimedTask,
  msUntilNextDue,
  retryTasks,
  returnTasks,
  settleTasks,
} from '../../../src/shared/store/dispatch.ts'
import { countDue } from '../../../src/shared/store/due.ts'
import { claimGoverned, hasGoverned, msUntilGoverned } from '../../../src/shared/store/governed.ts'
import { limitQueue, listQueues, UNLIMITED } from '../../../src/shared/store/queues.ts'
import { createTransactions, type Transactions } from '../../../src/shared/store/transactions.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { fillReady, withoutIndexes } from '../../support/fill.ts'
import { type Explained, explain } from '../../support/plans.ts'
import { claim, insert, NOW, reportOf } from '../../support/store.ts'

const FINISHED = 400_000
const LATER = 300_000
const BLOCKED = 300_000
const STEP = 20_000
const TABLES = ['task_records', 'ready', 'held']
/** Priorities of lanes that have claimable tasks, due or not: what a claim visits one by one. */
const LEVELS = 4

let database: TestDatabase
let due: string[]

beforeAll(async () => {
  database = await createTestDatabase()
  await fill(database)
  due = await insert(database.sql, 50)
}, 120_000)

/** Finished tasks of every priority, CRITICAL ones due next month, and CRITICAL ones that cannot run. Indexes are made at the end: faster. */
async function fill({ sql }: TestDatabase) {
  await withoutIndexes(sql, ['task_records', 'ready'], async () => {
    // In steps: a long transaction holds back the folds of every database of the server.
    for (let from = 1; from <= FINISHED; from += STEP) {
      await sql`
        INSERT INTO task_records (id, command, priority, scheduled_at, due_at, picked_at, started_at, completed_at, worker_id, attempt)
        SELECT uuidv7(), 'old', n % ${LEVELS}, at, at, at, at, at, 1, 1 FROM (
          SELECT n, now() - n * interval '1 s' AS at FROM generate_series(${from}::int, ${from + STEP - 1}::int) AS n) AS old`
    }
    for (let from = 1; from <= LATER; from += STEP) {
      await sql`
        INSERT INTO task_records (id, command, priority, scheduled_at, due_at)
        SELECT uuidv7(), 'later', ${PRIORITIES.CRITICAL}, at, at FROM (
          SELECT now() + interval '30 days' + n * interval '1 ms' AS at
          FROM generate_series(${from}::int, ${from + STEP - 1}::int) AS n) AS later`
    }
    // Due, but not to be run: by what they wait for, by the worker that they need, by their queue, by their key.
    for (let from = 1; from <= BLOCKED; from += STEP) {
      await sql`
        INSERT INTO task_records (id, command, priority, scheduled_at, due_at, lane, waits_for, concurrency_key)
        SELECT uuidv7(), 'blocked', ${PRIORITIES.CRITICAL}, at, at, lane, waits_for, key FROM (
          SELECT now() - n * interval '1 ms' AS at, n % 4 AS kind
          FROM generate_series(${from}::int, ${from + STEP - 1}::int) AS n
        ) AS due JOIN (VALUES
          (0, '//', 1, NULL), (1, '//gpu', 0, NULL),
          (2, 'paused//', 0, NULL), (3, '//', 0, 'full')
        ) AS kinds (kind, lane, waits_for, key) USING (kind)`
    }
    await fillReady(sql)
  })
  await sql`INSERT INTO queues (name, paused_at) VALUES ('paused', now())`
}

/** The claimed are read by the walk and again by the deletion; each level is visited once to be found. */
function expectOnlyTheClaimed(plan: Explained, claimed: number) {
  expect(plan.rowsRead('ready')).toBeWithin(2 * claimed, 2 * claimed + 3 * LEVELS + 1)
  expect(plan.rowsRead('task_records')).toBe(claimed)
  expect(plan.rowsRead('levels')).toBeLessThanOrEqual(2 * LEVELS)
  // What tasks depend on is in the plan, and looked up for those that depend on something.
  expect(plan.rowsRead('dependencies')).toBe(0)
  expect(new Set(plan.indexes.filter((name) => name !== 'dependencies_pkey'))).toEqual(
    new Set(['levels_walk', 'ready_claimable', 'task_records_pkey', 'queues_pkey']),
  )
  expect(plan.buffers).toBeLessThan(claimed * 30 + 200)
}

test('a claim reads what it claims, whether or not the tables have statistics', async () => {
  // The first time, a connection reads what its functions are.
  const claimTwice = async (sql: Sql) => {
    await claim(sql, 1)
    await claim(sql, 20)
  }
  const [, before] = await explain(database, claimTwice)
  expectOnlyTheClaimed(before!, 20)
  await database.sql`ANALYZE task_records, ready, held`
  const [, after] = await explain(database, claimTwice)
  expectOnlyTheClaimed(after!, 20)

  const held = await database.sql<{ id: string }[]>`
    SELECT id FROM tasks WHERE picked_at IS NOT NULL AND completed_at IS NULL`
  expect(held).toHaveLength(42)
  expect(held.filter(({ id }) => !due.includes(id))).toEqual([])
})

test('a claim that finds nothing due reads next to nothing', async () => {
  await claim(database.sql, 1000)
  const [plan] = await explain(database, (sql) => claim(sql, 1000))
  expect(plan!.rowsRead('ready')).toBeLessThanOrEqual(3 * LEVELS)
  expect(plan!.buffers).toBeLessThan(200)
})

test('the look for the next due time reads one task for each priority', async () => {
  const [plan] = await explain(database, (sql) => msUntilNextDue(sql))
  expect(plan!.rowsRead('ready')).toBeLessThanOrEqual(3 * LEVELS)
  expect(plan!.buffers).toBeLessThan(200)
})

test('counts are read without a look at the tasks', async () => {
  const [plan] = await explain(database, (sql) => readCounts(sql))
  expect(plan!.nodes.filter(({ 'Relation Name': name = '' }) => TABLES.includes(name))).toEqual([])
  expect(plan!.buffers).toBeLessThan(200)
})

test('due tasks are counted along the index, no further than is asked for', async () => {
  await insert(database.sql, 40)
  const [plan] = await explain(database, (sql) => countDue(sql, 20))
  expect(plan!.rowsRead('ready')).toBeWithin(20, 20 + 2 * LEVELS + 1)
  expect(new Set(plan!.indexes)).toEqual(
    new Set(['levels_walk', 'ready_claimable', 'queues_pkey', 'workers_online', 'lane_keys_ready']),
  )
})

test('queues are listed without a look at what has ended or is due later, however much is due', async () => {
  await claim(database.sql, 20)
  const [plan] = await explain(database, (sql) => listQueues(sql))
  // Of each level a thousand, of those with keys a thousand, and what is held.
  expect(plan!.rowsRead('ready')).toBeLessThan(5000)
  expect(plan!.rowsRead('task_records')).toBe(0)
  expect(
    plan!.nodes.filter((node) => node['Node Type'] === 'Seq Scan' && node['Relation Name'] === 'ready'),
  ).toEqual([])
})

let transactions: Transactions
beforeAll(() => {
  transactions = createTransactions(database.sql, () => connect({ ...database.settings, poolMax: 1 }), 20_000)
})
afterAll(() => transactions.end())

/** Rows that a transaction has read of each table, by scans of whole tables and by indexes, inside of functions too. */
async function readBy(work: (within: Transactions) => Promise<unknown>): Promise<Map<string, number>> {
  // What a connection has read is counted until it is reported, which is not at the end of each transaction.
  const count = (sql: Sql) => sql<{ table: string; rows: number }[]>`
    SELECT relname AS table, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) AS rows
    FROM pg_stat_xact_user_tables`
  const read = new Map<string, number>()
  await work({
    ...transactions,
    run: (run) =>
      transactions.run(async (sql) => {
        const before = new Map((await count(sql)).map(({ table, rows }) => [table, rows]))
        const result = await run(sql)
        for (const { table, rows } of await count(sql)) read.set(table, rows - (before.get(table) ?? 0))
        return result
      }),
  })
  return read
}

test('to start, end, retry and give back twenty attempts reads their rows by their keys, and no others', async () => {
  const { sql } = database
  const all = (kind: 'started' | 'completed' | 'failed') => (tasks: ClaimedTask[]) =>
    tasks.map((task) => reportOf(task, kind))
  const backoff = { baseMs: 1000, capMs: 1000 }
  /** With how many rows of `held`, and of `task_records`, are read for each. */
  const statements: Record<
    string,
    [run: (sql: Sql, tasks: ClaimedTask[]) => Promise<unknown>, number, number]
  > = {
    start: [(sql, tasks) => settleTasks(sql, all('started')(tasks), NOW), 1, 0],
    end: [(sql, tasks) => settleTasks(sql, all('completed')(tasks), NOW), 1, 1],
    retry: [(sql, tasks) => retryTasks(sql, all('failed')(tasks), NOW, backoff), 2, 1],
    giveBack: [(sql, tasks) => returnTasks(sql, tasks), 1, 1],
  }
  for (const [name, [run, held, records]] of Object.entries(statements)) {
    await insert(sql, 60, { maxRetries: 1 })
    const tasks = await claim(sql, 60)
    expect(tasks).toHaveLength(60)
    // The first time, a connection reads what its functions are.
    const [, plan] = await explain(database, async (sql) => {
      await run(sql, tasks.slice(40))
      await run(sql, tasks.slice(0, 20))
    })
    const keys = new Set(plan!.indexes.filter((index) => index !== 'workers_online'))
    expect({ name, keys }).toEqual({
      name,
      keys: new Set(records > 0 ? ['held_pkey', 'task_records_pkey'] : ['held_pkey']),
    })
    expect({ name, held: plan!.rowsRead('held') }).toEqual({ name, held: 20 * held })
    expect({ name, records: plan!.rowsRead('task_records') }).toEqual({ name, records: 20 * records })
    expect(plan!.buffers).toBeLessThan(20 * 30)

    // With what is read in functions.
    const read = await readBy((within) => within.run((sql) => run(sql, tasks.slice(20, 40))))
    for (const table of ['ready', 'dependencies', 'lane_keys', 'count_deltas', 'counts'])
      expect({ name, table, rows: read.get(table) }).toEqual({ name, table, rows: 0 })
    expect({ name, held: read.get('held') }).toEqual({ name, held: 20 * held })
    expect({ name, records: read.get('task_records') }).toEqual({ name, records: 20 * records })
    await claim(sql, 60)
  }
})

test('where queues have limits and keys wait, a claim still reads what it claims', async () => {
  const { sql } = database
  await limitQueue(sql, 'mail', { ...UNLIMITED, concurrency: 1000, keyConcurrency: 2 })
  await sql`
    INSERT INTO lane_keys (lane, key, queue, ready_at)
    SELECT 'mail//', 'waits ' || n, 'mail', CASE n % 2 WHEN 0 THEN 'infinity' ELSE now() + interval '1 day' END
    FROM generate_series(1, 50000) AS n`
  for (const key of ['a', 'b', 'c']) await insert(sql, 10, { queue: 'mail', concurrencyKey: key })
  await insert(sql, 30, { queue: 'mail' })
  for (const places of [20, 20]) {
    let claimed = 0
    const read = await readBy(async (within) => {
      claimed = (
        await claimGoverned(within, Array<number>(places).fill(1), PLAIN, { ageingMs: 0, agedPlaces: 2 })
      ).length
    })
    expect(claimed).toBeGreaterThan(5)
    // Of each level and each key as many as there are places are looked at.
    expect(read.get('ready')).toBeLessThanOrEqual(20 * places)
    expect(read.get('lane_keys')).toBeLessThanOrEqual(60)
  }
  for (const look of [hasGoverned, msUntilGoverned]) {
    const [plan] = await explain(database, (explaining) => look(explaining, PLAIN))
    expect(plan!.rowsRead('ready')).toBeLessThanOrEqual(60)
    expect(plan!.rowsRead('lane_keys')).toBeLessThanOrEqual(10)
    expect(plan!.buffers).toBeLessThan(400)
  }
})
