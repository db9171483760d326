import { afterEach, expect, test } from 'bun:test'
import type { Report } from '../../../src/shared/core/report.ts'
import type { Assignment } from '../../../src/shared/core/task.ts'
import { createPool, type Pool } from '../../../src/worker/pool.ts'
import { slotSettings } from '../../support/slot-settings.ts'
import { waitFor } from '../../support/wait.ts'

const pools: Pool[] = []
afterEach(() => {
  for (const pool of pools.splice(0)) pool.stop()
})

/** A pool of real threads and what it reported. */
function startPool(slots: number) {
  const reports: Report[] = []
  const pool = createPool({
    slots,
    settings: slotSettings({ processTimeMs: 1 }),
    onReport: (report) => reports.push(report),
  })
  pools.push(pool)
  return {
    pool,
    reports,
    /** The tasks of the reports of one kind, in their order; a start may be reported with the end. */
    of: (kind: Report['kind']) =>
      kind === 'started'
        ? startsOf(reports)
        : reports.flatMap((report) => (report.kind === kind ? [report.taskId] : [])),
  }
}

/** The tasks of the attempts that started, in the order of their starts. */
function startsOf(reports: Report[]): string[] {
  const starts = new Map<string, { taskId: string; at: number }>()
  for (const { taskId, attempt, startedAt } of reports) {
    if (startedAt !== null && !starts.has(`${taskId}#${attempt}`))
      starts.set(`${taskId}#${attempt}`, { taskId, at: startedAt })
  }
  return [...starts.values()].sort((a, b) => a.at - b.at).map(({ taskId }) => taskId)
}

/** Longer than any test takes. */
const FOREVER = 600_000

const task = (
  taskId: string,
  more: Partial<Assignment> & { ms?: number; fails?: boolean } = {},
): Assignment => {
  const { ms = 0, fails = false, ...rest } = more
  const payload = { duration_ms: ms, failure_rate: fails ? 1 : 0 }
  return {
    ...{ taskId, attempt: 1, command: '', executor: 'simulate', payload, priority: 0 },
    ...{ timeoutMs: null, cancelGraceMs: 1000 },
    ...rest,
  }
}
const ref = (taskId: string, attempt = 1) => ({ taskId, attempt })

test('a task starts at once in a free slot, takes its time, and its end says how it went', async () => {
  const { pool, reports } = startPool(1)
  pool.take(task('a', { ms: 30 }))
  expect(reports).toMatchObject([{ taskId: 'a', attempt: 1, kind: 'started', slot: 0, endedAt: null }])
  await pool.idle()
  expect(reports).toHaveLength(2)
  const [, end] = reports
  expect(end).toMatchObject({ kind: 'completed', error: null, startedAt: reports[0]!.startedAt })
  expect(end!.endedAt! - end!.startedAt!).toBeGreaterThanOrEqual(29)
})

test('a task that fails, or whose executor nobody has, is reported as failed with the reason', async () => {
  const { pool, reports } = startPool(1)
  pool.take(task('a', { fails: true }))
  pool.take(task('b', { executor: 'toString' }))
  pool.take(task('c', { executor: 'unheard-of' }))
  await pool.idle()
  const ends = reports.filter(({ kind }) => kind !== 'started')
  expect(ends.map(({ kind, taskId }) => [taskId, kind])).toEqual([
    ['a', 'failed'],
    ['b', 'failed'],
    ['c', 'failed'],
  ])
  expect(ends[0]!.error).toBe('simulated failure')
  expect(ends[2]!.error).toContain('unheard-of')
})

test('as many run at once as there are slots, each in a slot of its own', async () => {
  const { pool, reports, of } = startPool(3)
  for (const taskId of ['a', 'b', 'c', 'd']) pool.take(task(taskId, { ms: 20 }))
  expect(of('started')).toEqual(['a', 'b', 'c'])
  expect(new Set(reports.map(({ slot }) => slot)).size).toBe(3)
  await pool.idle()
  expect(of('completed').sort()).toEqual(['a', 'b', 'c', 'd'])
})

test('what waits starts by priority, and then in the order of arrival', async () => {
  const { pool, of } = startPool(1)
  pool.take(task('first', { ms: 20 }))
  for (const [taskId, priority] of Object.entries({ l1: 0, h1: 2, m1: 1, h2: 2, c1: 3, l2: 0, m2: 1 })) {
    pool.take(task(taskId, { priority }))
  }
  await pool.idle()
  expect(of('started')).toEqual(['first', 'c1', 'h1', 'h2', 'm1', 'm2', 'l1', 'l2'])
})

test('an attempt that is given twice runs once: while it waits, runs, or has ended', async () => {
  const { pool, of } = startPool(1)
  for (let n = 0; n < 2; n++) pool.take(task('a', { ms: 10 }))
  for (let n = 0; n < 2; n++) pool.take(task('b'))
  await pool.idle()
  pool.take(task('a'))
  await pool.idle()
  expect(of('started')).toEqual(['a', 'b'])
  pool.take(task('a', { attempt: 2 }))
  await pool.idle()
  expect(of('started')).toEqual(['a', 'b', 'a'])
})

test('only what has not started is handed back when it is recalled', async () => {
  const { pool, of } = startPool(1)
  for (const taskId of ['runs', 'waits', 'other']) pool.take(task(taskId, { ms: 20 }))
  pool.recall([ref('runs'), ref('waits'), ref('other', 2), ref('unknown')])
  expect(of('returned')).toEqual(['waits'])
  expect(pool.held()).toEqual([
    { ...ref('runs'), started: true },
    { ...ref('other'), started: false },
  ])
  await pool.idle()
  expect(of('completed')).toEqual(['runs', 'other'])
})

test('all that has not started is handed back at once for a drain, and so is what still comes', async () => {
  const { pool, of } = startPool(1)
  for (const taskId of ['runs', 'b', 'c']) pool.take(task(taskId, { ms: 20 }))
  pool.drain()
  expect(of('returned').sort()).toEqual(['b', 'c'])
  pool.take(task('late'))
  expect(of('returned').sort()).toEqual(['b', 'c', 'late'])
  await pool.idle()
  expect(of('completed')).toEqual(['runs'])
})

test('revoking what runs frees its slot without a word about it', async () => {
  const { pool, reports, of } = startPool(1)
  pool.take(task('gone', { ms: FOREVER }))
  pool.take(task('next'))
  pool.revoke([ref('gone')])
  await pool.idle()
  expect(of('started')).toEqual(['gone', 'next'])
  await pool.idle()
  expect(reports.filter(({ taskId }) => taskId === 'gone').map(({ kind }) => kind)).toEqual(['started'])
  expect(of('completed')).toEqual(['next'])
})

test('revoking takes what waits out of the queue, and another attempt is not meant', async () => {
  const { pool, of } = startPool(1)
  for (const taskId of ['runs', 'b', 'c']) pool.take(task(taskId, { ms: 20 }))
  pool.revoke([ref('b'), ref('runs', 2), ref('unknown')])
  await pool.idle()
  expect(of('completed')).toEqual(['runs', 'c'])
  expect(of('returned')).toEqual([])
})

test('a slot can be freed again and again and still runs what comes', async () => {
  const { pool, of } = startPool(2)
  for (let n = 0; n < 10; n++) {
    pool.take(task(`gone${n}`, { ms: FOREVER }))
    pool.take(task(`also${n}`, { ms: FOREVER }))
    pool.revoke([ref(`gone${n}`), ref(`also${n}`)])
  }
  for (let n = 0; n < 6; n++) pool.take(task(`t${n}`))
  await pool.idle()
  expect(of('completed').sort()).toEqual(['t0', 't1', 't2', 't3', 't4', 't5'])
  expect(pool.held()).toEqual([])
})

test('it is idle only when nothing runs and nothing waits', async () => {
  const { pool, of } = startPool(1)
  await pool.idle()
  pool.take(task('a', { ms: 10 }))
  pool.take(task('b', { ms: 10 }))
  let idle = false
  const becoming = pool.idle().then(() => {
    idle = true
  })
  await waitFor(() => of('completed').length === 1, { what: 'the first to end' })
  expect(idle).toBe(false)
  await becoming
  expect(of('completed')).toEqual(['a', 'b'])
})

test('many instantaneous tasks each run exactly once', async () => {
  const { pool, of } = startPool(5)
  const ids = Array.from({ length: 1000 }, (_, n) => `t${n}`)
  for (const taskId of ids) pool.take(task(taskId))
  await pool.idle()
  expect(of('started').sort()).toEqual([...ids].sort())
  expect(of('completed').sort()).toEqual([...ids].sort())
})
