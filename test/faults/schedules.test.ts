import { expect, test } from 'bun:test'
import { join } from 'node:path'
import type { Schedule } from '../../src/shared/core/schedule/schedule.ts'
import { readClock } from '../../src/shared/store/schedules.ts'
import { insert, ledger } from '../integration/schedules/stand.ts'
import { ticksByHand } from '../support/cron-oracle.ts'
import type { Service } from '../support/processes.ts'
import { waitFor } from '../support/wait.ts'
import { addressOf, createStand, freePorts, type Stand } from './stand.ts'

const PRELOAD = join(import.meta.dir, '../../src/cli/chaos/skewed-clock.ts')
const EACH_SECOND = '* * * * * *'
const SCHEDULE = { cron: EACH_SECOND, catchUp: 'all' as const }
const MINUTE = 60_000

/** Asserts that each tick of the schedule so far has its row, and one task. */
async function expectEachTickOnce(stand: Stand, schedule: Schedule): Promise<number> {
  const rows = await ledger(stand.sql, schedule)
  const [first, last] = [rows[0]!.tickAt.getTime(), rows.at(-1)!.tickAt.getTime()]
  expect(first).toBe(schedule.nextAt!.getTime())
  const from = Math.floor(first / MINUTE) * MINUTE
  const due = ticksByHand(EACH_SECOND, 'UTC', from, last + MINUTE).filter(
    (tick) => tick >= first && tick <= last,
  )
  expect(rows.map(({ tickAt }) => tickAt.getTime())).toEqual(due)
  // Where a machine is so busy that starting takes ten seconds, those in between are caught up.
  expect(rows.filter(({ outcome }) => outcome !== 'fired' && outcome !== 'caught_up')).toEqual([])
  const tasks = await stand.sql<{ id: string; tickAt: Date }[]>`
    SELECT id, tick_at AS "tickAt" FROM tasks WHERE schedule_id = ${schedule.id} ORDER BY tick_at`
  expect([...tasks]).toEqual(rows.map(({ taskId, tickAt }) => ({ id: taskId!, tickAt })))
  return rows.length
}

/** Until just before or just after a whole second of the database's clock, by so many ms. */
async function untilTick(stand: Stand, byMs: number): Promise<void> {
  const target = Math.ceil((await readClock(stand.sql)).getTime() / 1000) * 1000 + 1000 + byMs
  await waitFor(async () => (await readClock(stand.sql)).getTime() >= target, { what: 'a tick' })
}

test('coordinators killed at the ticks, one after the other: no tick is lost and none is doubled', async () => {
  const stand = await createStand()
  const ports = await freePorts(3)
  const start = (port: number) => stand.coordinator({ COORDINATOR_PORT: String(port) })
  const coordinators = await Promise.all(ports.map(start))
  await stand.worker(
    'w',
    ports.map((port) => addressOf({ port })),
  )
  const schedules = await Promise.all(
    Array.from({ length: 5 }, () =>
      insert(stand.sql, { ...SCHEDULE, task: { command: 'x', payload: { duration_ms: 1 } } }),
    ),
  )
  // A little before the tick, at it, and while it is being written.
  for (const [round, byMs] of [-3, 0, 1, 2, 4, 8].entries()) {
    const victim = coordinators[round % 3] as Service
    await untilTick(stand, byMs)
    victim.kill('SIGKILL')
    await victim.exited
    coordinators[round % 3] = await start(ports[round % 3] as number)
  }
  await untilTick(stand, 500)
  await Promise.all(coordinators.map((one) => one.stop()))
  for (const schedule of schedules) expect(await expectEachTickOnce(stand, schedule)).toBeGreaterThan(10)
}, 120_000)

test('all coordinators killed at once, and others seconds later: the ticks in between fire late, each once', async () => {
  const stand = await createStand()
  const ports = await freePorts(2)
  const start = () => Promise.all(ports.map((port) => stand.coordinator({ COORDINATOR_PORT: String(port) })))
  let coordinators = await start()
  const schedule = await insert(stand.sql, SCHEDULE)
  for (let round = 0; round < 2; round++) {
    await untilTick(stand, 1)
    for (const one of coordinators) one.kill('SIGKILL')
    await Promise.all(coordinators.map(({ exited }) => exited))
    await untilTick(stand, 1200)
    coordinators = await start()
  }
  await untilTick(stand, 500)
  await Promise.all(coordinators.map((one) => one.stop()))
  await expectEachTickOnce(stand, schedule)
  const lags = (await ledger(stand.sql, schedule)).map(({ lagMs }) => lagMs)
  expect(Math.max(...lags)).toBeGreaterThan(1000)
}, 120_000)

test('coordinators whose clocks are a minute wrong fire at the database’s time', async () => {
  const stand = await createStand()
  const skewed = (ms: number) => ({ BUN_OPTIONS: `--preload=${PRELOAD}`, CHAOS_SKEW_MS: String(ms) })
  const coordinators = await Promise.all([
    stand.coordinator(skewed(MINUTE)),
    stand.coordinator(skewed(-MINUTE)),
  ])
  const schedule = await insert(stand.sql, SCHEDULE)
  await waitFor(async () => (await ledger(stand.sql, schedule)).length >= 4, { what: 'four ticks' })
  await Promise.all(coordinators.map((one) => one.stop()))
  await expectEachTickOnce(stand, schedule)
  const lags = (await ledger(stand.sql, schedule)).map(({ lagMs }) => lagMs)
  expect(Math.min(...lags)).toBeWithin(0, 100)
  expect(Math.max(...lags)).toBeLessThan(3000)
}, 60_000)
