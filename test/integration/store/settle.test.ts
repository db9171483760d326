import { beforeEach, expect, test } from 'bun:test'
import type { Sql } from '../../../src/shared/store/connect.ts'
import {
  findHeld,
  findHeldAttempts,
  retryTasks,
  returnTasks,
  settleTasks,
  type WorkerReport,
} from '../../../src/shared/store/dispatch.ts'
import { findTask } from '../../../src/shared/store/tasks.ts'
import { createTestDatabase } from '../../support/database.ts'
import { withoutAutovacuum } from '../../support/fill.ts'
import { explain } from '../../support/plans.ts'
import { claim, hold, insert, NOW, reportOf, reset, statesInTable } from '../../support/store.ts'

const database = await createTestDatabase()
const { sql } = database
beforeEach(() => reset(sql))

const BACKOFF = { baseMs: 1000, capMs: 10_000 }

/** What the settler does with a batch. */
async function settle(sql: Sql, reports: WorkerReport[]) {
  await retryTasks(sql, reports, NOW, BACKOFF)
  await settleTasks(sql, reports, NOW)
}

/** What must not change when a report is ignored. */
const snapshot = (sql: Sql) => sql`
  SELECT t.*, r.xmin::text AS recorded, h.xmin::text AS held
  FROM tasks t JOIN task_records r USING (id) LEFT JOIN held h ON h.task_id = t.id ORDER BY t.id`

/** Moves a pick into the past, so that reported times have room after it. */
const pickedAgo = (sql: Sql, ms: number) => sql`
  UPDATE tasks SET due_at = now() - ${ms} * interval '1 ms', picked_at = now() - ${ms} * interval '1 ms'`

/** ms between two of a task's times. */
async function between(sql: Sql, id: string, from: string, to: string): Promise<number> {
  const [row] = await sql<{ ms: number }[]>`
    SELECT (1000 * extract(epoch FROM ${sql(to)} - ${sql(from)}))::float8 AS ms FROM tasks WHERE id = ${id}`
  return row!.ms
}

test('a start is recorded with its slot, and its end with what it printed', async () => {
  const task = await hold(sql)
  await pickedAgo(sql, 1000)
  await settle(sql, [reportOf(task, 'started')])
  expect(await findTask(sql, task.taskId)).toMatchObject({ state: 'running', slot: 2, completedAt: null })
  await settle(sql, [reportOf(task, 'completed', { output: 'done "so"\n' })])
  expect(await findTask(sql, task.taskId)).toMatchObject({
    state: 'completed',
    output: 'done "so"\n',
    failures: 0,
  })
})

test('a start and an end that were folded into one report are both recorded, as far apart as they were', async () => {
  const task = await hold(sql)
  await pickedAgo(sql, 1000)
  await settle(sql, [reportOf(task, 'completed', { startedAt: NOW - 250, endedAt: NOW - 50 })])
  expect(await between(sql, task.taskId, 'started_at', 'completed_at')).toBeCloseTo(200, 1)
  expect((await findTask(sql, task.taskId))!.state).toBe('completed')
})

test('the start that was recorded first stays, whatever a later report says', async () => {
  const task = await hold(sql)
  await pickedAgo(sql, 1000)
  await settle(sql, [reportOf(task, 'started', { startedAt: NOW - 300 })])
  const before = (await findTask(sql, task.taskId))!.startedAt
  await settle(sql, [reportOf(task, 'completed', { startedAt: NOW - 5, endedAt: NOW })])
  expect((await findTask(sql, task.taskId))!.startedAt).toEqual(before)
})

test('a late report of an attempt that was given up changes nothing', async () => {
  const first = await hold(sql, { maxRetries: 3 })
  await returnTasks(sql, [first])
  const [second] = await claim(sql, 1)
  expect(second).toMatchObject({ taskId: first.taskId, attempt: 2, workerId: first.workerId })
  const before = await snapshot(sql)
  for (const kind of ['started', 'completed', 'failed'] as const) await settle(sql, [reportOf(first, kind)])
  expect(await returnTasks(sql, [first])).toBe(0)
  expect(await snapshot(sql)).toEqual(before)
})

test('a report of a task that nobody holds now changes nothing', async () => {
  const task = await hold(sql, { maxRetries: 3 })
  await returnTasks(sql, [task])
  const before = await snapshot(sql)
  for (const kind of ['started', 'completed', 'failed'] as const) await settle(sql, [reportOf(task, kind)])
  expect(await snapshot(sql)).toEqual(before)
})

test('a report by a worker that does not hold the attempt changes nothing', async () => {
  const task = await hold(sql, { maxRetries: 3 }, 5)
  const before = await snapshot(sql)
  for (const kind of ['started', 'completed', 'failed'] as const) {
    await settle(sql, [reportOf({ ...task, workerId: 6 }, kind)])
  }
  expect(await snapshot(sql)).toEqual(before)
})

test('what has ended stays as it ended', async () => {
  const completed = await hold(sql, { maxRetries: 3 })
  await settle(sql, [reportOf(completed, 'completed', { output: 'first' })])
  const failed = await hold(sql)
  await settle(sql, [reportOf(failed, 'failed', { error: 'first' })])
  const cancelled = await hold(sql, { maxRetries: 3 })
  await sql`UPDATE tasks SET cancelled_at = now() WHERE id = ${cancelled.taskId}`
  const before = await snapshot(sql)
  for (const task of [completed, failed, cancelled]) {
    for (const kind of ['started', 'completed', 'failed'] as const) {
      await settle(sql, [reportOf(task, kind, { output: 'second', error: 'second' })])
    }
    expect(await returnTasks(sql, [task])).toBe(0)
  }
  expect(await snapshot(sql)).toEqual(before)
  expect(await statesInTable(sql)).toEqual({ cancelled: 1, completed: 1, failed: 1 })
})

test('a report of a task that does not exist is no error and does not hinder the others', async () => {
  const task = await hold(sql)
  const unknown = { taskId: crypto.randomUUID(), attempt: 1, workerId: 1 }
  await settle(sql, [reportOf(unknown, 'completed'), reportOf(task, 'completed')])
  expect(await statesInTable(sql)).toEqual({ completed: 1 })
})

test('times that no clock can have given are held between the pick and now', async () => {
  const wild = [
    { startedAt: NOW - 1e12, endedAt: NOW - 1e11 },
    { startedAt: NOW - 1e12, endedAt: NOW + 1e9 },
    { startedAt: NOW + 1e9, endedAt: NOW + 2e9 },
    { startedAt: NOW - 10, endedAt: NOW - 500_000 },
    { startedAt: NOW + 1e9, endedAt: NOW - 1e9 },
    { startedAt: null, endedAt: NOW - 10 },
    { startedAt: null, endedAt: null },
    { startedAt: NOW - 10, endedAt: null },
    { startedAt: NOW, endedAt: NOW },
  ]
  for (const kind of ['completed', 'failed'] as const) {
    for (const times of wild) {
      const task = await hold(sql)
      await settle(sql, [reportOf(task, kind, times)])
      expect((await findTask(sql, task.taskId))!.state).toBe(kind)
    }
  }
  const [row] = await sql<{ wrong: number; all: number }[]>`
    SELECT count(*) FILTER (WHERE NOT (picked_at <= started_at AND started_at <= coalesce(completed_at, failed_at)
      AND coalesce(completed_at, failed_at) <= now())) AS wrong, count(*) AS all FROM tasks`
  expect(row).toEqual({ wrong: 0, all: 2 * wild.length })
})

test('a failed attempt with a retry left goes back, charged, and is due again after its backoff', async () => {
  const first = await hold(sql, { maxRetries: 2 })
  await settle(sql, [reportOf(first, 'failed', { error: 'no' })])
  const waiting = (await findTask(sql, first.taskId))!
  expect(waiting).toMatchObject({
    state: 'pending',
    failures: 1,
    attempt: 1,
    error: 'no',
    workerId: null,
    slot: null,
  })
  expect(waiting.dueAt.getTime() - Date.now()).toBeLessThanOrEqual(BACKOFF.baseMs)
  expect(waiting.startedAt).toBeNull()

  for (const [attempt, state] of [
    [2, 'pending'],
    [3, 'failed'],
  ] as const) {
    await sql`UPDATE tasks SET due_at = now()`
    const [task] = await claim(sql, 1)
    expect(task!.attempt).toBe(attempt)
    await settle(sql, [reportOf(task!, 'failed', { error: `no ${attempt}` })])
    expect(await findTask(sql, first.taskId)).toMatchObject({
      state,
      failures: attempt,
      error: `no ${attempt}`,
    })
  }
})

test('the backoff doubles with every failure, up to its cap, and is evenly drawn', async () => {
  const delays = async (failures: number) => {
    await sql`DELETE FROM tasks`
    await insert(sql, 200, { maxRetries: 100 })
    const tasks = await claim(sql, 200)
    await sql`UPDATE tasks SET failures = ${failures}`
    const [{ at }] = (await sql`SELECT clock_timestamp()::text AS at`) as unknown as [{ at: string }]
    await retryTasks(
      sql,
      tasks.map((task) => reportOf(task, 'failed')),
      NOW,
      BACKOFF,
    )
    const rows = await sql<{ ms: number }[]>`
      SELECT (1000 * extract(epoch FROM due_at - ${at}::text::timestamptz))::float8 AS ms FROM tasks`
    return rows.map(({ ms }) => ms).sort((a, b) => a - b)
  }
  for (const [failures, most] of [
    [0, 1000],
    [2, 4000],
    [4, 10_000],
    [99, 10_000],
  ] as const) {
    const ms = await delays(failures)
    expect(ms[0]!).toBeGreaterThanOrEqual(0)
    expect(ms[199]!).toBeLessThanOrEqual(most + 1000) // the statement itself takes its time
    expect(ms[199]!).toBeGreaterThan(most * 0.8)
    expect(ms[100]!).toBeWithin(most * 0.25, most * 0.75 + 1000)
  }
})

test('what a worker hands back is due as before and not charged', async () => {
  const task = await hold(sql, { maxRetries: 1 })
  const before = (await findTask(sql, task.taskId))!
  expect(await returnTasks(sql, [task])).toBe(1)
  expect(await returnTasks(sql, [task])).toBe(0)
  expect(await findTask(sql, task.taskId)).toMatchObject({
    ...{ state: 'pending', failures: 0, attempt: 1, dueAt: before.dueAt, workerId: null },
  })
})

test('what is held is found by its workers, and the current attempt by its task', async () => {
  const [a, b] = [await hold(sql, {}, 1), await hold(sql, {}, 2)]
  const ended = await hold(sql, {}, 1)
  await settle(sql, [reportOf(b, 'started'), reportOf(ended, 'completed')])
  expect(await findHeld(sql, [1])).toEqual([
    { taskId: a.taskId, attempt: 1, workerId: 1, started: false, cancelRequested: false },
  ])
  expect(await findHeld(sql, [2, 3])).toEqual([
    { taskId: b.taskId, attempt: 1, workerId: 2, started: true, cancelRequested: false },
  ])
  expect((await findHeldAttempts(sql, [b.taskId]))[0]).toEqual({ attempt: 1, workerId: 2 })
  expect((await findHeldAttempts(sql, [ended.taskId]))[0]).toBeNull()
})

test('reports are looked up by id even where the statistics say that nothing is held', async () => {
  await withoutAutovacuum(sql)
  await insert(sql, 5000, { maxRetries: 1 })
  await sql`ANALYZE task_records, ready, held`
  const tasks = await claim(sql, 5000)
  const some = tasks.slice(0, 100)
  const statements = {
    settle: (own: Sql) =>
      settleTasks(
        own,
        some.map((task) => reportOf(task, 'completed')),
        NOW,
      ),
    retry: (own: Sql) =>
      retryTasks(
        own,
        tasks.slice(100, 200).map((task) => reportOf(task, 'failed')),
        NOW,
        BACKOFF,
      ),
    return: (own: Sql) => returnTasks(own, tasks.slice(200, 300)),
    find: (own: Sql) => findHeldAttempts(own, [tasks[400]!.taskId]),
  }
  for (const [name, run] of Object.entries(statements)) {
    const [plan] = await explain(database, run)
    const indexes = plan!.indexes.filter(
      (index) => !['held_pkey', 'task_records_pkey', 'workers_online'].includes(index),
    )
    expect({ name, indexes }).toEqual({ name, indexes: [] })
    expect(plan!.rowsRead('task_records')).toBeLessThanOrEqual(100)
    // Found by the reports, and deleted.
    expect(plan!.rowsRead('held')).toBeLessThanOrEqual(200)
  }
  expect(await statesInTable(sql)).toEqual({ assigned: 4700, completed: 100, pending: 200 })
})
