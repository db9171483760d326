import { beforeEach, expect, test } from 'bun:test'
import { connect, type Sql } from '../../../src/shared/store/connect.ts'
import { returnUnheld } from '../../../src/shared/store/dispatch.ts'
import { loseSessions, loseSilent, requeueOrphans } from '../../../src/shared/store/workers.ts'
import { createTestDatabase } from '../../support/database.ts'
import { claim, decided, hold, insert, register, reset, statesInTable } from '../../support/store.ts'
import { waitFor } from '../../support/wait.ts'
import { openRaw, reportOf, startStand } from '../coordinator/stand.ts'

const database = await createTestDatabase()
const { sql } = database
beforeEach(() => reset(sql))

const SILENCE_MS = 3000
const MAX_LOSSES = 5

/** Lets time pass: everything that is known of workers becomes so much older. */
const pass = (ms: number) => sql`UPDATE workers SET last_seen_at = last_seen_at - ${ms} * interval '1 ms'`

test('a judgement that wakes late gives up only those that were silent when it was made', async () => {
  for (const id of [1, 2]) await register(sql, id)
  await sql`UPDATE workers SET last_seen_at = now() - interval '5 s' WHERE id = 2`
  const { at } = await decided(sql)
  await pass(60_000)
  const late = { at: at - 60_000, withinMs: 120_000 }
  expect((await loseSilent(sql, SILENCE_MS, MAX_LOSSES, late)).map(({ id }) => id)).toEqual([2])
})

test('a decision to give up that wakes too late is void', async () => {
  const session = await register(sql, 1)
  await hold(sql)
  const { at } = await decided(sql)
  const late = { at: at - 2000, withinMs: 1000 }
  expect(await loseSessions(sql, [session], MAX_LOSSES, late)).toEqual([])
  await pass(60_000)
  expect(await loseSilent(sql, SILENCE_MS, MAX_LOSSES, late)).toEqual([])
  expect(await statesInTable(sql)).toEqual({ assigned: 1 })
})

test('what has been given out anew while a search for orphans waited for it is no orphan', async () => {
  const { taskId } = await hold(sql, {}, 77)
  const other = connect({ ...database.settings, poolMax: 1 })
  let searching: Promise<number> | null = null
  await other.begin(async (tx) => {
    await tx`SELECT FROM held WHERE task_id = ${taskId} FOR UPDATE`
    searching = requeueOrphans(sql, MAX_LOSSES)
    const waits = async () => {
      const rows = await sql`
        SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
      return rows.length > 0
    }
    await waitFor(waits, { what: 'the search to wait' })
    const own = tx as unknown as Sql
    await own`UPDATE tasks SET picked_at = NULL, worker_id = NULL WHERE id = ${taskId}`
    await claim(own, 1, 77)
  })
  expect(await searching!).toBe(0)
  expect(await statesInTable(sql)).toEqual({ assigned: 1 })
  await other.end()
})

test('what a worker does not hold is put back only as long as it has not registered again', async () => {
  const before = await register(sql, 1)
  const { taskId, attempt } = await hold(sql)
  const after = await register(sql, 1)
  const unheld = { taskId, attempt, workerId: 1 }
  expect(await returnUnheld(sql, [{ ...unheld, session: before }])).toBe(0)
  expect(await statesInTable(sql)).toEqual({ assigned: 1 })
  expect(await returnUnheld(sql, [{ ...unheld, session: after }])).toBe(1)
  expect(await statesInTable(sql)).toEqual({ pending: 1 })
})

test('a coordinator that has not heard that its worker moved takes nothing from it that another gave', async () => {
  // It looks at the tables all the time, and renews leases once a second.
  const former = await startStand({ SCAN_INTERVAL: '10' }, database)
  const current = await startStand({}, database)
  // The former one claims nothing for it, but still compares what the table says that it holds.
  const stays = await openRaw(former.address, { worker_id: 500, draining: true })
  const moved = await openRaw(current.address, { worker_id: 500 })
  const ids = await insert(sql, 3)
  const given = [...(await moved.given(3))]
  moved.report(...given.map((task) => reportOf(task, 'STARTED')))
  await waitFor(() => stays.isOver, { what: 'the former coordinator to hear of it' })
  await moved.acknowledged(moved.report(...given.map((task) => reportOf(task, 'COMPLETED'))))
  const rows = await sql`SELECT state, attempt FROM tasks WHERE id = ANY(${ids}::uuid[])`
  expect([...rows]).toEqual(Array(3).fill({ state: 'completed', attempt: 1 }))
  await Promise.all([former.stop(), current.stop()])
})
