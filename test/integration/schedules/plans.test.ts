import { beforeAll, expect, test } from 'bun:test'
import { firingOf } from '../../../src/coordinator/schedules/firing.ts'
import { taskOfTick } from '../../../src/shared/core/schedule/task.ts'
import { timetable } from '../../../src/shared/core/schedule/timetable.ts'
import {
  findSchedule,
  findScheduleByName,
  listSchedules,
  pauseSchedule,
} from '../../../src/shared/store/schedules.ts'
import {
  backfillTicks,
  findDueSchedules,
  fireTicks,
  listTicks,
  msUntilNextTick,
  trimLedger,
} from '../../../src/shared/store/ticks.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { withoutIndexes } from '../../support/fill.ts'
import { explain } from '../../support/plans.ts'

const SCHEDULES = 100_000
const TICKS = 200_000

let database: TestDatabase
/** One with a long ledger. */
let busy: string

beforeAll(async () => {
  database = await createTestDatabase()
  const { sql } = database
  await withoutIndexes(sql, ['schedules', 'schedule_ticks'], async () => {
    await sql`
      INSERT INTO schedules (id, name, cron, task, catch_up, catch_up_window_ms, overlap, next_at, wake_at)
      SELECT gen_random_uuid(), 'schedule ' || n, '* * * * *', '{"command": "x"}', 'last', 86400000, 'queue', due, due
      FROM generate_series(1, ${SCHEDULES}) n, LATERAL (SELECT date_trunc('second', now()) + (n - 40) * interval '1 s' AS due) d`
    const [row] = await sql<[{ id: string }]>`SELECT id FROM schedules ORDER BY wake_at LIMIT 1`
    busy = row.id
    await sql`
      INSERT INTO schedule_ticks (schedule_id, tick_at, outcome, lag_ms)
      SELECT ${busy}, date_trunc('second', now()) - (n + 100) * interval '1 s', CASE WHEN n % 1000 = 0 THEN 'queued' ELSE 'skipped' END, 0
      FROM generate_series(1, ${TICKS}) n`
    await sql`
      INSERT INTO schedule_ticks (schedule_id, tick_at, outcome, lag_ms)
      SELECT id, now() - interval '1 day', 'skipped', 0 FROM schedules WHERE id <> ${busy}`
  })
  await sql`ANALYZE schedules, schedule_ticks`
}, 60_000)

test('those that are due are found along their index, and no ledger is read for them', async () => {
  const [plan] = await explain(database, (sql) => findDueSchedules(sql, 100))
  expect(plan!.indexes).toContain('schedules_wake')
  expect(plan!.rowsRead('schedules')).toBeLessThanOrEqual(101)
  expect(plan!.rowsRead('schedule_ticks')).toBeLessThanOrEqual(100)
})

test('the next one to look at is one look into the index', async () => {
  const [plan] = await explain(database, msUntilNextTick)
  expect(plan!.indexes).toEqual(['schedules_wake'])
  expect(plan!.rowsRead('schedules')).toBe(1)
})

test('ticks are written by key, however long the ledgers are', async () => {
  const due = await findDueSchedules(database.sql, 30)
  expect(due.length).toBeGreaterThan(20)
  const firings = due.map((schedule) => firingOf(schedule, timetable(schedule), () => Bun.randomUUIDv7()))
  const [plan] = await explain(database, (sql) => fireTicks(sql, firings))
  expect(plan!.rowsRead('schedules')).toBeLessThanOrEqual(3 * due.length)
  expect(plan!.rowsRead('schedule_ticks')).toBe(0)
  // Nothing is compared with everything.
  const most = Math.max(...plan!.nodes.map((node) => node['Actual Rows'] * node['Actual Loops']))
  const decided = firings.reduce((sum, { decisions }) => sum + decisions.length, 0)
  expect(most).toBeLessThanOrEqual(due.length + decided)
  const [{ count } = { count: 0 }] = await database.sql<{ count: number }[]>`
    SELECT count(*) FROM tasks WHERE schedule_id = ANY(${due.map(({ id }) => id)}::uuid[])`
  expect(count).toBe(firings.reduce((sum, { tasks }) => sum + tasks.length, 0))
})

test('lists, a schedule, its ledger and what people do read no more than they show', async () => {
  const [list] = await explain(database, (sql) =>
    listSchedules(sql, { after: 'schedule 5', limit: 50, maxBytes: 4_000_000 }),
  )
  expect(list!.indexes).toContain('schedules_name')
  expect(list!.rowsRead('schedules')).toBeLessThanOrEqual(51)
  expect(list!.rowsRead('schedule_ticks')).toBeLessThanOrEqual(51)
  const [one] = await explain(database, (sql) => findSchedule(sql, busy))
  expect(one!.rowsRead('schedules')).toBe(1)
  expect(one!.rowsRead('schedule_ticks')).toBe(1)
  const [named] = await explain(database, (sql) => findScheduleByName(sql, 'schedule 77'))
  expect(named!.rowsRead('schedules')).toBe(1)
  const [ticks] = await explain(database, (sql) =>
    listTicks(sql, busy, { before: new Date().toISOString(), limit: 50 }),
  )
  expect(ticks!.rowsRead('schedule_ticks')).toBeLessThanOrEqual(51)
  const [paused] = await explain(database, (sql) => pauseSchedule(sql, busy))
  expect(paused!.rowsRead('schedules')).toBe(1)
})

test('a backfill and the trimming of a ledger touch what they change', async () => {
  const schedule = (await findSchedule(database.sql, busy))!
  const now = Date.now()
  const tasks = Array.from({ length: 50 }, (_, n) =>
    taskOfTick(schedule, Bun.randomUUIDv7(), new Date(now - n * 1000)),
  )
  const [backfill] = await explain(database, (sql) => backfillTicks(sql, busy, tasks))
  expect(backfill!.rowsRead('schedules')).toBe(1)
  const keep = TICKS - 500
  const [trimmed] = await explain(database, (sql) => trimLedger(sql, busy, keep))
  expect(trimmed!.rowsRead('schedule_ticks')).toBeLessThan(keep + 2000)
})
