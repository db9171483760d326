import { afterAll, beforeEach, expect, test } from 'bun:test'
import { FIRST_TASKS } from '../../../src/coordinator/roster.ts'
import { claimTasks } from '../../../src/shared/store/dispatch.ts'
import { insertTasks } from '../../../src/shared/store/tasks.ts'
import { createTestDatabase } from '../../support/database.ts'
import { type FakeWorker, startFakeWorker } from '../../support/fake-worker.ts'
import { insert, newTask, statesInTable } from '../../support/store.ts'
import { type StreamWorker, startStreamWorker } from '../../support/stream-worker.ts'
import { waitFor } from '../../support/wait.ts'
import { calm, openRaw, startStand } from '../coordinator/stand.ts'

const database = await createTestDatabase()
const { sql } = database
const LONG_MS = 600_000
let lastId = 0
let workers: (StreamWorker | FakeWorker)[] = []
let stand: Awaited<ReturnType<typeof startStand>>

beforeEach(async () => {
  await leave()
  await sql`TRUNCATE task_records, ready, held, levels, workers`
  stand = await startStand({}, database)
})
afterAll(() => leave())

async function leave() {
  for (const worker of workers) worker.stop()
  workers = []
  await stand?.stop()
}

/** Workers of ours, each with these executors; their tasks do not end. */
async function own(count: number, executors: string[]) {
  for (let n = 0; n < count; n++) {
    const options = { id: ++lastId, coordinator: stand.address, executors, takesMs: LONG_MS }
    workers.push(await startStreamWorker(options))
  }
}

/** Workers that know only the unary calls; they say nothing of what they are sent. */
async function foreign(count: number) {
  for (let n = 0; n < count; n++) {
    workers.push(await startFakeWorker({ id: ++lastId, coordinator: stand.address, reports: false }))
  }
}

/** How many tasks each worker holds, in the order in which they came. */
async function held(total: number): Promise<number[]> {
  await waitFor(async () => (await statesInTable(sql)).pending === undefined, { what: 'all to be claimed' })
  const rows = await sql<{ id: number; count: number }[]>`
    SELECT worker_id AS id, count(*) AS count FROM tasks GROUP BY worker_id`
  expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(total)
  return workers.map((worker) => rows.find(({ id }) => id === worker.id)?.count ?? 0)
}

test('a batch goes to three own workers and one that knows only the unary calls alike', async () => {
  await own(3, ['http', 'simulate'])
  await foreign(1)
  await calm(sql)
  await insert(sql, 16)
  expect(await held(16)).toEqual([4, 4, 4, 4])
})

test('workers that run fewer or other executors are neither preferred nor passed by', async () => {
  await own(1, ['simulate'])
  await own(2, ['http', 'simulate'])
  await own(2, ['shell', 'simulate'])
  await foreign(1)
  await calm(sql)
  await insert(sql, 18)
  expect(await held(18)).toEqual([3, 3, 3, 3, 3, 3])
})

test('tasks that only some workers run find room with them, and the others take the rest', async () => {
  await own(1, ['http', 'simulate'])
  await own(1, ['simulate'])
  await calm(sql)
  const executors = [
    'simulate',
    'http',
    'simulate',
    'http',
    'simulate',
    'http',
    'simulate',
    'http',
    'simulate',
    'http',
  ]
  await insertTasks(
    sql,
    executors.map((executor) => newTask({ executor })),
  )
  expect(await held(10)).toEqual([5, 5])
})

test('a worker that only knows the unary calls is given five tasks at once', async () => {
  await foreign(1)
  await insert(sql, 9)
  await waitFor(async () => (await statesInTable(sql)).assigned === 5, { what: 'five to be given out' })
  await own(1, ['simulate'])
  expect(await held(9)).toEqual([5, 4])
})

test('a worker that says that it has a thousand slots and never starts anything holds only a few of many', async () => {
  const silent = await openRaw(stand.address, { slots: 1024 })
  const quick = { coordinator: stand.address, takesMs: 0 }
  for (let n = 0; n < 3; n++) workers.push(await startStreamWorker({ id: 900 + n, ...quick }))
  await insert(sql, 1000)
  await waitFor(async () => (await statesInTable(sql)).completed === 1000 - FIRST_TASKS, {
    what: 'the others to do the rest',
    timeoutMs: 30_000,
  })
  expect(silent.tasks).toHaveLength(FIRST_TASKS)
  expect(await statesInTable(sql)).toEqual({ assigned: FIRST_TASKS, completed: 1000 - FIRST_TASKS })
})

test('a worker has no more slots than the coordinator lets it have', async () => {
  const own = await startStand({ MAX_WORKER_SLOTS: '3' }, database)
  const worker = await openRaw(own.address, { slots: 1024, worker_id: 950 })
  await insert(sql, 5)
  await worker.given(3)
  expect([...(await sql`SELECT slots FROM workers WHERE id = 950`)]).toEqual([{ slots: 3 }])
  expect(await statesInTable(sql)).toEqual({ assigned: 3, pending: 2 })
  await own.stop()
})

test('of one priority a claim leaves to others what they run, too, but never what is more important', async () => {
  await stand.stop()
  const both = await insert(sql, 3)
  const [http = ''] = await insert(sql, 1, { executor: 'http', scheduledAt: new Date() })
  const [urgent = ''] = await insert(sql, 1, { priority: 1, scheduledAt: new Date() })
  const can = { executors: ['http', 'simulate'], labels: [] }
  const order = { ageingMs: null, agedPlaces: 0, others: ['simulate/'] }
  const claimed = async () => (await claimTasks(sql, [1, 1], can, order)).map(({ taskId }) => taskId).sort()
  expect(await claimed()).toEqual([http, urgent].sort())
  expect(await claimed()).toEqual(both.slice(0, 2).sort())
})
