import { beforeEach, expect, test } from 'bun:test'
import { readCounts } from '../../../src/shared/store/counts.ts'
import { findHeld, settleTasks } from '../../../src/shared/store/dispatch.ts'
import {
  forgetWorkers,
  listWorkerNames,
  listWorkers,
  loseSessions,
  loseSilent,
  renewLeases,
  requeueOrphans,
} from '../../../src/shared/store/workers.ts'
import { createTestDatabase } from '../../support/database.ts'
import { withoutIndexes } from '../../support/fill.ts'
import { explain } from '../../support/plans.ts'
import {
  claim,
  decided,
  hold,
  insert,
  NOW,
  register,
  reportOf,
  reset,
  statesInTable,
} from '../../support/store.ts'

const MAX_LOSSES = 5

const database = await createTestDatabase()
const { sql } = database
beforeEach(() => reset(sql))

const SILENCE_MS = 3000
type Sql = typeof sql

/** Makes a worker silent for so long. */
const silent = (sql: Sql, id: number, ms: number) =>
  sql`UPDATE workers SET last_seen_at = now() - ${ms} * interval '1 ms' WHERE id = ${id}`

const online = async (sql: Sql) =>
  (await listWorkers(sql, { silenceMs: SILENCE_MS, offline: false })).map(({ id }) => id)

test('a worker is online when it registers, and is listed with what it runs and has completed', async () => {
  await register(sql, 4294967295, 'biggest')
  await register(sql, 0, 'smallest')
  const running = await hold(sql, {}, 0)
  const done = await hold(sql, {}, 0)
  await hold(sql, {}, 0)
  await settleTasks(sql, [reportOf(running, 'started'), reportOf(done, 'completed')], NOW)
  expect(await listWorkers(sql, { silenceMs: SILENCE_MS, offline: false })).toMatchObject([
    { id: 4294967295, name: 'biggest', online: true, draining: false, runningTaskIds: [], tasksCompleted: 0 },
    { id: 0, name: 'smallest', online: true, runningTaskIds: [running.taskId], tasksCompleted: 1 },
  ])
})

test('a worker that registers again keeps its id, and its old session nothing', async () => {
  const old = await register(sql, 1, 'before')
  await hold(sql)
  const current = await register(sql, 1, 'after')
  expect(await loseSessions(sql, [old], MAX_LOSSES, await decided(sql))).toEqual([])
  expect((await renewLeases(sql, [{ session: old, draining: true }])).sessions).toEqual([])
  expect(await statesInTable(sql)).toEqual({ assigned: 1 })
  expect(await listWorkerNames(sql)).toEqual([{ id: 1, name: 'after' }])
  expect((await renewLeases(sql, [{ session: current, draining: false }])).sessions).toEqual([current])
})

test('a lease is renewed for those that are online, with what they say of draining', async () => {
  const sessions = [await register(sql, 1), await register(sql, 2), await register(sql, 3)]
  for (const id of [1, 2, 3]) await silent(sql, id, 60_000)
  await loseSessions(sql, [sessions[2]!], MAX_LOSSES, await decided(sql))
  expect(await online(sql)).toEqual([])
  const { sessions: renewed } = await renewLeases(
    sql,
    sessions.map((session, n) => ({ session, draining: n === 1 })),
  )
  expect(renewed.sort()).toEqual([sessions[0]!, sessions[1]!].sort())
  const workers = await listWorkers(sql, { silenceMs: SILENCE_MS, offline: true })
  expect(workers.map(({ id, online, draining }) => [id, online, draining])).toEqual([
    [1, true, false],
    [2, true, true],
    [3, false, false],
  ])
})

test('what a lost worker held goes back at once, uncharged, and what it had ended stays', async () => {
  const session = await register(sql, 1, 'w1')
  await register(sql, 2)
  const done = await hold(sql)
  const running = await hold(sql)
  await hold(sql)
  const elsewhere = await hold(sql, {}, 2)
  await settleTasks(sql, [reportOf(done, 'completed'), reportOf(running, 'started')], NOW)
  expect(await loseSessions(sql, [session], MAX_LOSSES, await decided(sql))).toEqual([
    { id: 1, name: 'w1', address: '', requeued: 2 },
  ])
  expect(await loseSessions(sql, [session], MAX_LOSSES, await decided(sql))).toEqual([])
  expect(await statesInTable(sql)).toEqual({ assigned: 1, completed: 1, pending: 2 })
  expect(await findHeld(sql, [1, 2])).toMatchObject([{ taskId: elsewhere.taskId }])
  const again = await claim(sql, 5, 2)
  expect(again.map(({ attempt }) => attempt)).toEqual([2, 2])
  expect(await online(sql)).toEqual([2])
})

test('a worker is lost when it has been silent for too long by the clock of the database, and not before', async () => {
  for (const id of [1, 2]) await register(sql, id)
  await silent(sql, 1, SILENCE_MS - 1000)
  await silent(sql, 2, SILENCE_MS + 1000)
  expect((await loseSilent(sql, SILENCE_MS, MAX_LOSSES, await decided(sql))).map(({ id }) => id)).toEqual([2])
  expect(await loseSilent(sql, SILENCE_MS, MAX_LOSSES, await decided(sql))).toEqual([])
})

test('of many coordinators that find a silent worker at once, one puts its tasks back', async () => {
  for (let id = 1; id <= 5; id++) {
    await register(sql, id)
    await insert(sql, 20)
    await claim(sql, 20, id)
    await silent(sql, id, 60_000)
  }
  const lost = (
    await Promise.all(
      Array.from({ length: 8 }, async () => loseSilent(sql, SILENCE_MS, MAX_LOSSES, await decided(sql))),
    )
  ).flat()
  expect(lost.map(({ id }) => id).sort()).toEqual([1, 2, 3, 4, 5])
  expect(lost.map(({ requeued }) => requeued)).toEqual([20, 20, 20, 20, 20])
  expect(await statesInTable(sql)).toEqual({ pending: 100 })
})

test('what is held by a worker that is offline or that nobody knows is put back; the rest is left alone', async () => {
  const gone = await register(sql, 1)
  await register(sql, 2)
  await register(sql, 4294967295)
  await loseSessions(sql, [gone], MAX_LOSSES, await decided(sql))
  const kept = [await hold(sql, {}, 2), await hold(sql, {}, 4294967295)]
  await hold(sql, {}, 1)
  for (let n = 0; n < 3; n++) await hold(sql, {}, 77)
  await hold(sql, {}, 0)
  expect(await requeueOrphans(sql, MAX_LOSSES)).toBe(5)
  expect(await requeueOrphans(sql, MAX_LOSSES)).toBe(0)
  const held = await findHeld(sql, [0, 1, 2, 77, 4294967295])
  expect(held.map(({ taskId }) => taskId).sort()).toEqual(kept.map(({ taskId }) => taskId).sort())
})

test('offline workers are forgotten after a while, with what was counted for them', async () => {
  const session = await register(sql, 1)
  await register(sql, 2)
  for (const id of [1, 2]) await settleTasks(sql, [reportOf(await hold(sql, {}, id), 'completed')], NOW)
  // What a fold does once no transaction on the whole server is older.
  await sql`INSERT INTO counts SELECT name, value FROM current_counts`
  await sql`TRUNCATE count_deltas`
  await loseSessions(sql, [session], MAX_LOSSES, await decided(sql))
  await forgetWorkers(sql, 60_000)
  expect(await listWorkerNames(sql)).toHaveLength(2)
  await sql`UPDATE workers SET offline_at = now() - interval '2 min' WHERE offline_at IS NOT NULL`
  await forgetWorkers(sql, 60_000)
  expect(await listWorkerNames(sql)).toEqual([{ id: 2, name: 'w2' }])
  const counts = await readCounts(sql)
  expect([counts.get('worker:1'), counts.get('worker:2'), counts.get('completed')]).toEqual([undefined, 1, 2])
})

test('giving up a worker, listing workers and looking for orphans read only what is held', async () => {
  const sessions = [await register(sql, 1), await register(sql, 2)]
  await withoutIndexes(
    sql,
    ['task_records'],
    () => sql`
        INSERT INTO task_records (id, command, scheduled_at, due_at, picked_at, started_at, completed_at, worker_id, attempt)
        SELECT uuidv7(), 'old', now(), now(), now(), now(), now(), 1, 1 FROM generate_series(1, 10000)`,
  )
  await insert(sql, 1000, { scheduledAt: new Date(Date.now() + 3_600_000) })
  for (const workerId of [1, 2]) {
    await insert(sql, 20)
    await claim(sql, 20, workerId)
  }
  await sql`VACUUM ANALYZE task_records, ready, held`
  const decision = await decided(sql)
  const statements: Record<string, [run: (own: Sql) => PromiseLike<unknown>, rows: number]> = {
    list: [(own) => listWorkers(own, { silenceMs: SILENCE_MS, offline: true }), 40],
    held: [(own) => findHeld(own, [1]), 20],
    orphans: [(own) => requeueOrphans(own, MAX_LOSSES), 10],
    // Found by their worker, and deleted by their ids.
    sessions: [(own) => loseSessions(own, [sessions[0]!], MAX_LOSSES, decision), 40],
    silent: [(own) => loseSilent(own, 0, MAX_LOSSES, decision), 40],
  }
  for (const [name, [run, rows]] of Object.entries(statements)) {
    const [plan] = await explain(database, run)
    const lists = plan!.indexes.filter((index) => index.startsWith('tasks_') || index.startsWith('ready_'))
    expect({ name, lists, byWorker: plan!.indexes.includes('held_by_worker') }).toEqual({
      ...{ name, lists: [], byWorker: true },
    })
    expect({ name, read: plan!.rowsRead('held') <= rows }).toEqual({ name, read: true })
    expect({ name, read: plan!.rowsRead('task_records') <= rows }).toEqual({ name, read: true })
  }
  expect(await statesInTable(sql)).toEqual({ completed: 10_000, pending: 1040 })
})
