import { afterEach, expect, spyOn, test } from 'bun:test'
import { join } from 'node:path'
import type { LogLine } from '../../../src/shared/core/output.ts'
import type { Report } from '../../../src/shared/core/report.ts'
import type { Assignment } from '../../../src/shared/core/task.ts'
import type { RunTimes } from '../../../src/worker/batching.ts'
import type { SlotOrder } from '../../../src/worker/messages.ts'
import { createPool, type Pool } from '../../../src/worker/pool.ts'
import { slotSettings } from '../../support/slot-settings.ts'
import { waitFor } from '../../support/wait.ts'

const handlers = join(import.meta.dir, '..', '..', 'support', 'batch-handlers')
/** Longer than any test takes. */
const FOREVER = 600_000

const pools: Pool[] = []
afterEach(() => {
  for (const pool of pools.splice(0)) pool.stop()
})

/** What is called brief is. */
const KNOWN: RunTimes = { note() {}, shortMs: (kind) => (kind?.endsWith(' brief') ? 0.1 : null) }

/** A pool of real threads and what it reported. @param runTimes null: its own */
async function startPool(slots: number, runTimes: RunTimes | null = KNOWN) {
  const reports: Report[] = []
  const said: [string, string][] = []
  /** How many tasks each message to a slot had. */
  const batches: number[] = []
  const posts = spyOn(Worker.prototype, 'postMessage')
  const pool = createPool({
    slots,
    settings: slotSettings({ executors: ['simulate', 'function'], handlers }),
    ...(runTimes && { runTimes }),
    onReport: (report) => reports.push(report),
    onLines: ({ taskId }, lines: LogLine[]) =>
      said.push(...lines.map(({ text }) => [taskId, text] as [string, string])),
  })
  pools.push(pool)
  // The time that the threads take to start is not that of the tasks.
  pool.takeAll(Array.from({ length: slots }, (_, n) => brief(`first${n}`, { command: 'first' })))
  await pool.idle()
  reports.length = 0
  return {
    pool,
    reports,
    said,
    batches,
    takeAll(tasks: Assignment[]) {
      posts.mockClear()
      pool.takeAll(tasks)
      batches.push(...posts.mock.calls.flatMap(([order]) => sizeOf(order as SlotOrder)))
    },
    /** On a machine that does other things, any task may take so long that its start is reported. */
    ends: () => reports.filter(({ kind }) => kind !== 'started'),
    of: (kind: Report['kind']) => reports.flatMap((report) => (report.kind === kind ? [report.taskId] : [])),
    endOf: (taskId: string) =>
      waitFor(() => reports.find((one) => one.taskId === taskId && one.kind !== 'started'), {
        what: `${taskId} to end`,
      }),
  }
}

const sizeOf = (order: SlotOrder) => ('tasks' in order ? [JSON.parse(order.tasks).length as number] : [])

const brief = (taskId: string, more: Partial<Assignment> = {}): Assignment => ({
  ...{ taskId, attempt: 1, command: 'brief', executor: 'simulate', payload: { duration_ms: 0 }, priority: 0 },
  ...{ timeoutMs: null, cancelGraceMs: 1000 },
  ...more,
})
const named = (count: number) => Array.from({ length: count }, (_, n) => `t${n}`)
const ref = (taskId: string) => ({ taskId, attempt: 1 })

/** Waits until a task has begun, without a moment in which the pool could look after it. */
function begin(pool: Pool, id: string) {
  const deadline = performance.now() + 10_000
  while (!pool.held().some(({ taskId, started }) => taskId === id && started)) {
    if (performance.now() > deadline) throw new Error(`${id} did not begin`)
  }
}

/** Holds its thread, or waits in it, for so long. */
const busy = (ms: number) => ({ payload: { duration_ms: ms, busy: true } })
const idle = (ms: number) => ({ payload: { duration_ms: ms } })

test('short tasks that wait are run by one message to a slot, and each is reported once, with its start', async () => {
  const { pool, ends, batches, takeAll } = await startPool(2)
  takeAll(named(40).map((id) => brief(id)))
  expect(batches).toEqual([20, 20])
  await pool.idle()
  expect(
    ends()
      .map(({ taskId }) => taskId)
      .sort(),
  ).toEqual(named(40).sort())
  for (const { kind, startedAt, endedAt } of ends()) {
    expect(kind).toBe('completed')
    expect(endedAt!).toBeGreaterThanOrEqual(startedAt!)
  }
})

test('what is not known to be short, or has to be stopped within milliseconds, has its message for itself', async () => {
  const { pool, batches, takeAll } = await startPool(1)
  takeAll([brief('long', { command: 'unknown', ...idle(20) }), ...named(3).map((id) => brief(id))])
  expect(batches).toEqual([1])
  await pool.idle()
  takeAll([brief('exact', { timeoutMs: 2 }), ...named(3).map((id) => brief(`${id}-again`))])
  expect(batches).toEqual([1, 1])
  await pool.idle()
})

test('a task that is tried again has its message for itself, and its start is reported at once', async () => {
  const { pool, of, batches, takeAll } = await startPool(1)
  takeAll([brief('again', { attempt: 2 }), ...named(3).map((id) => brief(id))])
  expect(batches).toEqual([1])
  expect(of('started')).toEqual(['again'])
  await pool.idle()
})

test.each([
  ['holds its thread', busy(FOREVER)],
  ['waits', idle(FOREVER)],
])('what was sent along with a task that %s goes on in other slots', async (_, payload) => {
  const { pool, of, batches, takeAll } = await startPool(2)
  takeAll([brief('hangs', payload), ...named(9).map((id) => brief(id))])
  expect(batches[0]).toBe(5)
  await waitFor(() => of('completed').length === 9, { what: 'the others to end', timeoutMs: 5000 })
  expect(of('completed').sort()).toEqual(named(9))
  await waitFor(() => of('started').includes('hangs'), { what: 'its start' })
  expect(pool.held()).toEqual([{ ...ref('hangs'), started: true }])
})

test('ends are told although the next task of the message never yields', async () => {
  const { pool, of, batches, takeAll } = await startPool(1)
  takeAll([...named(3).map((id) => brief(id)), brief('hangs', busy(FOREVER)), brief('last')])
  expect(batches).toEqual([5])
  await waitFor(() => of('started').includes('hangs'), { what: 'the start of the one that hangs' })
  expect(of('completed')).toEqual(named(3))
  expect(pool.held()).toEqual([
    { ...ref('hangs'), started: true },
    { ...ref('last'), started: false },
  ])
})

test('what a slot has not begun is cancelled, recalled and revoked as if it were still queued', async () => {
  const { pool, reports, batches, takeAll } = await startPool(1)
  takeAll([brief('runs', busy(30)), ...named(6).map((id) => brief(id))])
  expect(batches).toEqual([7])
  begin(pool, 'runs')
  pool.cancel([ref('t0')])
  pool.recall([ref('t1'), ref('runs')])
  pool.revoke([ref('t2')])
  expect(reports).toMatchObject([
    { taskId: 't0', kind: 'cancelled', startedAt: null },
    { taskId: 't1', kind: 'returned', startedAt: null },
  ])
  await pool.idle()
  const ends = reports.filter(({ kind }) => kind !== 'started').slice(2)
  expect(ends.map(({ taskId, kind }) => [taskId, kind])).toEqual(
    ['runs', 't3', 't4', 't5'].map((id) => [id, 'completed']),
  )
})

test('a drain hands back what a slot has not begun, and what it runs comes to its end', async () => {
  const { pool, of, takeAll } = await startPool(1)
  takeAll([brief('runs', busy(30)), ...named(4).map((id) => brief(id))])
  begin(pool, 'runs')
  pool.drain()
  expect(of('returned').sort()).toEqual(named(4))
  await pool.idle()
  expect(of('completed')).toEqual(['runs'])
})

test('the time of a task counts from its own start, and the others of its message are not touched', async () => {
  const { of, endOf, batches, takeAll } = await startPool(1)
  const limits = { timeoutMs: 100, cancelGraceMs: 50 }
  takeAll([brief('before', busy(2)), brief('hangs', { ...idle(FOREVER), ...limits }), brief('after')])
  expect(batches).toEqual([3])
  const { kind, error, startedAt, endedAt } = await endOf('hangs')
  expect({ kind, error }).toEqual({ kind: 'failed', error: 'timed out after 100 ms' })
  expect(endedAt! - startedAt!).toBeGreaterThanOrEqual(99)
  await endOf('after')
  expect(of('completed')).toEqual(['before', 'after'])
})

test('one that never yields is ended with its thread when its time is up, and the others are not touched', async () => {
  const { of, endOf, takeAll } = await startPool(1)
  const limits = { timeoutMs: 50, cancelGraceMs: 50 }
  takeAll([brief('before'), brief('hangs', { ...busy(FOREVER), ...limits }), brief('after')])
  expect(await endOf('hangs')).toMatchObject({ kind: 'failed', error: 'timed out after 50 ms' })
  await endOf('after')
  expect(of('completed')).toEqual(['before', 'after'])
})

test.each(['cancel', 'revoke'] as const)(
  'to %s the one that runs leaves the others of its message alone',
  async (how) => {
    const { pool, reports, of, takeAll } = await startPool(1)
    takeAll([brief('before'), brief('runs', idle(FOREVER)), brief('after')])
    await waitFor(() => pool.held().some(({ taskId, started }) => taskId === 'runs' && started), {
      what: 'the second to begin',
    })
    pool[how]([ref('runs')])
    await pool.idle()
    expect(of('completed')).toEqual(['before', 'after'])
    expect(of('cancelled')).toEqual(how === 'cancel' ? ['runs'] : [])
    expect(reports.filter(({ taskId }) => taskId === 'runs').every(({ attempt }) => attempt === 1)).toBeTrue()
  },
)

test('results, errors and lines of tasks that share a message are their own', async () => {
  const { pool, ends, said, batches, takeAll } = await startPool(1)
  const handler = (taskId: string, how: string) => brief(taskId, { executor: 'function', payload: how })
  takeAll([handler('a', 'return'), handler('b', 'fail'), handler('c', 'print'), handler('d', 'return')])
  expect(batches).toEqual([4])
  await pool.idle()
  // The end of one that printed comes after its lines, and may be overtaken.
  const inOrder = ends().toSorted((a, b) => a.taskId.localeCompare(b.taskId))
  expect(
    inOrder.map(({ taskId, kind, error, output, result }) => [taskId, kind, error, output, result ?? null]),
  ).toEqual([
    ['a', 'completed', null, null, '{"by":"a"}'],
    ['b', 'failed', 'no luck', null, null],
    ['c', 'completed', null, 'printed by c\n', '{"by":"c"}'],
    ['d', 'completed', null, null, '{"by":"d"}'],
  ])
  expect(said).toEqual([['c', 'printed by c']])
})

test('a pool learns by itself which tasks are short', async () => {
  const { pool, reports, batches, takeAll } = await startPool(2, null)
  for (let round = 0; round < 10; round++) {
    takeAll(named(100).map((id) => brief(`${round}/${id}`)))
    await pool.idle()
  }
  // What is sent as soon as a slot is free is not counted.
  expect(batches.slice(0, 2)).toEqual([1, 1])
  expect(Math.max(...batches)).toBeGreaterThan(10)
  expect(reports.filter(({ kind }) => kind === 'completed')).toHaveLength(1000)
  expect(reports.filter(({ kind }) => kind === 'started').length).toBeLessThan(500)
})
