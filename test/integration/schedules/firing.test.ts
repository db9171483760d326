import { beforeAll, beforeEach, expect, test } from 'bun:test'
import pino from 'pino'
import { type Schedules, startSchedules } from '../../../src/coordinator/schedules/schedules.ts'
import { timetable } from '../../../src/shared/core/schedule/timetable.ts'
import { cancelTasks } from '../../../src/shared/store/control.ts'
import { pauseSchedule, readClock, resumeSchedule } from '../../../src/shared/store/schedules.ts'
import { findDueSchedules } from '../../../src/shared/store/ticks.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { waitFor } from '../../support/wait.ts'
import { fields, insert, ledger } from './stand.ts'

let database: TestDatabase
let sql: TestDatabase['sql']
const log = pino({ level: 'silent' })
const MINUTE = 60_000

beforeAll(async () => {
  database = await createTestDatabase()
  sql = database.sql
})
beforeEach(async () => {
  await sql`TRUNCATE task_records, ready, held, levels, schedules, schedule_ticks`
})

async function withCoordinators<T>(count: number, run: () => Promise<T>): Promise<T> {
  const all = await Promise.all(
    Array.from({ length: count }, () => startSchedules({ sql, log, scanIntervalMs: 60_000 })),
  )
  try {
    return await run()
  } finally {
    await Promise.all(all.map((one) => one.stop()))
  }
}

/** Until nothing is due any more. */
async function settle(): Promise<void> {
  await withCoordinators(1, () =>
    waitFor(async () => (await findDueSchedules(sql, 1)).length === 0, { what: 'nothing to be due' }),
  )
}

const outcomes = async (schedule: { id: string }) =>
  Object.entries(Object.groupBy(await ledger(sql, schedule), ({ outcome }) => outcome)).map(
    ([outcome, rows]) => [outcome, rows.length],
  )

test('a tick fires at its time, never early, once, with the task that the schedule says', async () => {
  const schedule = await withCoordinators(3, async () => {
    const made = await insert(sql, {
      name: 'each second',
      task: { command: 'x', priority: 3, timeout_ms: 500 },
    })
    await waitFor(async () => (await ledger(sql, made)).length >= 4, { what: 'four ticks' })
    return made
  })
  const rows = await ledger(sql, schedule)
  const table = timetable(schedule)
  expect(rows.map(({ tickAt }) => tickAt)).toEqual(
    table.between(new Date(schedule.nextAt!.getTime() - 1), rows.at(-1)!.tickAt, 1000),
  )
  for (const { outcome, lagMs } of rows) {
    expect(outcome).toBe('fired')
    // How little it is on a quiet machine is measured by e2e/time.
    expect(lagMs).toBeWithin(0, 10_000)
  }
  const tasks =
    await sql`SELECT id, name, command, priority, timeout_ms, scheduled_at, tick_at, schedule_id FROM tasks ORDER BY tick_at`
  expect(tasks.map(({ id }) => id)).toEqual(rows.map(({ taskId }) => taskId))
  expect(tasks[0]).toMatchObject({
    ...{ name: 'each second', command: 'x', priority: 3, timeout_ms: 500, schedule_id: schedule.id },
    ...{ scheduled_at: rows[0]!.tickAt, tick_at: rows[0]!.tickAt },
  })
})

test('a schedule that is made or edited while coordinators wait wakes them', async () => {
  await withCoordinators(1, async () => {
    const made = await insert(sql, { cron: null, everyMs: 1000, anchorAt: new Date() })
    await waitFor(async () => (await ledger(sql, made)).length >= 1, { what: 'a tick', timeoutMs: 5000 })
  })
})

test('missed ticks are skipped, or the last of them is caught up, or all within the window are', async () => {
  const every = { cron: null, everyMs: MINUTE, anchorAt: new Date(Date.now() - 10 * MINUTE + 30_000) }
  const [skip, last, all] = await Promise.all([
    insert(sql, { ...every, catchUp: 'skip' }, 10 * MINUTE),
    insert(sql, { ...every, catchUp: 'last' }, 10 * MINUTE),
    insert(sql, { ...every, catchUp: 'all', catchUpWindowMs: 4 * MINUTE }, 10 * MINUTE),
  ])
  await settle()
  expect(await outcomes(skip)).toEqual([['skipped', 10]])
  expect(await outcomes(last)).toEqual([
    ['skipped', 9],
    ['caught_up', 1],
  ])
  expect((await ledger(sql, last)).at(-1)).toMatchObject({ outcome: 'caught_up', lagMs: expect.any(Number) })
  expect(await outcomes(all)).toEqual([
    ['skipped', 6],
    ['caught_up', 4],
  ])
  const reasons = new Set((await ledger(sql, all)).map(({ reason }) => reason))
  expect([...reasons]).toEqual(['missed for longer than the catch-up window', null])
  expect((await ledger(sql, all)).at(-1)!.lagMs).toBeWithin(29_000, 45_000)
})

test('of a long stop the latest 5000 ticks are in the ledger, and the one before says so', async () => {
  const schedule = await insert(sql, { catchUp: 'skip' }, 3 * 3_600_000)
  await settle()
  const rows = await ledger(sql, schedule)
  expect(rows.length).toBeWithin(5001, 5030)
  expect(rows[0]!.reason).toBe('missed, as were those after it but for the latest 5000')
  const missing = rows
    .slice(1)
    .filter(({ tickAt }, index) => index > 0 && tickAt.getTime() - rows[index]!.tickAt.getTime() !== 1000)
  expect(missing).toEqual([])
})

test('a ledger keeps its newest ten thousand rows', async () => {
  const schedule = await insert(sql)
  await sql`
    INSERT INTO schedule_ticks (schedule_id, tick_at, outcome, lag_ms)
    SELECT ${schedule.id}, now() - n * interval '1 s', 'skipped', 0 FROM generate_series(1, 12000) n`
  await sql`UPDATE schedules SET ticks = 12499`
  await withCoordinators(1, () =>
    waitFor(async () => (await ledger(sql, schedule)).length < 11_000, { what: 'the ledger to be trimmed' }),
  )
  expect((await ledger(sql, schedule)).length).toBeWithin(10_000, 10_010)
})

test('overlap skip: a tick whose predecessor runs is skipped, and the next after its end fires', async () => {
  await withCoordinators(2, async () => {
    const schedule = await insert(sql, { overlap: 'skip' })
    await waitFor(async () => (await ledger(sql, schedule)).length >= 3, { what: 'three ticks' })
    const rows = await ledger(sql, schedule)
    expect(rows.slice(0, 3).map(({ outcome }) => outcome)).toEqual(['fired', 'skipped', 'skipped'])
    expect(rows[1]!.reason).toBe('the task of an earlier tick had not ended')
    await cancelTasks(sql, [rows[0]!.taskId!])
    await waitFor(
      async () => (await ledger(sql, schedule)).filter(({ outcome }) => outcome === 'fired').length === 2,
      {
        what: 'the next to fire',
      },
    )
  })
})

test('overlap queue: ticks wait for the end of the one before, in order, and none is lost', async () => {
  await withCoordinators(2, async () => {
    const schedule = await insert(sql, { overlap: 'queue', endsAt: new Date(Date.now() + 3500) })
    await waitFor(async () => (await ledger(sql, schedule)).length >= 3, { what: 'three ticks' })
    expect((await ledger(sql, schedule)).slice(0, 3).map(({ outcome }) => outcome)).toEqual([
      'fired',
      'queued',
      'queued',
    ])
    const ended = new Set<string>()
    await waitFor(
      async () => {
        const rows = await ledger(sql, schedule)
        const running = rows.filter(({ taskId }) => taskId !== null && !ended.has(taskId))
        expect(running.length).toBeLessThanOrEqual(1)
        const [{ taskId } = { taskId: null }] = running
        if (taskId) {
          await cancelTasks(sql, [taskId])
          ended.add(taskId)
        }
        return rows.length >= 3 && rows.every(({ outcome }) => outcome === 'fired')
      },
      { what: 'all of them to fire', timeoutMs: 20_000 },
    )
    const rows = await ledger(sql, schedule)
    expect(rows.map(({ taskId }) => taskId)).toEqual(rows.map(({ taskId }) => taskId).toSorted())
    expect(rows[1]).toMatchObject({ outcome: 'fired', reason: 'waited in the queue' })
    const [{ queued } = { queued: -1 }] = await sql`SELECT queued FROM schedules`
    expect(queued).toBe(0)
  })
})

test('at most 100 ticks wait; more are skipped and say why', async () => {
  const schedule = await insert(
    sql,
    { overlap: 'queue', catchUp: 'all', cron: null, everyMs: 1000, anchorAt: new Date(Date.now() - 150_500) },
    151_000,
  )
  await settle()
  const rows = Object.groupBy(await ledger(sql, schedule), ({ outcome }) => outcome)
  expect(rows.queued).toHaveLength(100)
  expect(rows.skipped?.length).toBeGreaterThan(40)
  expect(rows.skipped?.[0]?.reason).toBe('100 ticks were waiting already')
})

test('a paused schedule has no ticks, and goes on after it is resumed', async () => {
  await withCoordinators(2, async () => {
    const schedule = await insert(sql)
    await waitFor(async () => (await ledger(sql, schedule)).length >= 1, { what: 'a tick' })
    const paused = (await pauseSchedule(sql, schedule.id))!
    const before = (await ledger(sql, schedule)).length
    await waitFor(async () => (await readClock(sql)).getTime() > paused.pausedAt!.getTime() + 2200, {
      what: 'two ticks that are none',
    })
    expect(await ledger(sql, schedule)).toHaveLength(before)
    const now = await readClock(sql)
    await resumeSchedule(sql, paused, timetable(fields()).next(now))
    const rows = await waitFor(
      async () => {
        const found = await ledger(sql, schedule)
        return found.length > before && found
      },
      { what: 'a tick after the rest' },
    )
    expect(rows[before]!.tickAt.getTime()).toBeGreaterThan(now.getTime())
  })
})

test('a schedule that cannot be read does not keep the others from firing', async () => {
  const broken = await insert(sql)
  await sql`UPDATE schedules SET cron = 'nonsense' WHERE id = ${broken.id}`
  const unfit = await insert(sql, { task: { command: 'x', priority: 1_000_000 } })
  const whole = await insert(sql)
  await withCoordinators(1, () =>
    waitFor(async () => (await ledger(sql, whole)).length >= 2, { what: 'two ticks' }),
  )
  expect(await ledger(sql, broken)).toEqual([])
  expect(await ledger(sql, unfit)).toEqual([])
})

test('many coordinators that look at the same ticks at once write each of them once', async () => {
  const schedules = await Promise.all(
    Array.from({ length: 20 }, () => insert(sql, { catchUp: 'all' }, 300_000)),
  )
  const all: Schedules[] = await Promise.all(
    Array.from({ length: 3 }, () => startSchedules({ sql, log, scanIntervalMs: 60_000 })),
  )
  await waitFor(async () => (await findDueSchedules(sql, 1)).length === 0, {
    what: 'nothing to be due',
    timeoutMs: 20_000,
  })
  await Promise.all(all.map((one) => one.stop()))
  for (const schedule of schedules) {
    const rows = await ledger(sql, schedule)
    expect(rows.length).toBeGreaterThanOrEqual(300)
    const [counted] =
      await sql`SELECT count(*)::int AS tasks, count(DISTINCT tick_at)::int AS ticks FROM tasks WHERE schedule_id = ${schedule.id}`
    expect(counted).toEqual({ tasks: rows.length, ticks: rows.length })
  }
})
