import { afterAll, beforeEach, expect, test } from 'bun:test'
import { PLAIN } from '../../../src/shared/core/lane.ts'
import { connect } from '../../../src/shared/store/connect.ts'
import { type ClaimedTask, STRICT, settleTasks } from '../../../src/shared/store/dispatch.ts'
import { claimGoverned, hasGoverned, msUntilGoverned } from '../../../src/shared/store/governed.ts'
import {
  limitQueue,
  listQueues,
  pauseQueue,
  type QueueLimits,
  resumeQueue,
  UNLIMITED,
} from '../../../src/shared/store/queues.ts'
import { createTransactions } from '../../../src/shared/store/transactions.ts'
import { createTestDatabase } from '../../support/database.ts'
import { claim, insert, NOW, reportOf, reset } from '../../support/store.ts'

const database = await createTestDatabase()
const { sql } = database
const pools = Array.from({ length: 4 }, () =>
  createTransactions(database.sql, () => connect({ ...database.settings, poolMax: 1 }), 20_000),
)
beforeEach(async () => {
  await reset(sql)
  await sql`DELETE FROM queues`
  await sql`INSERT INTO queues (name) VALUES ('default')`
})
afterAll(() => Promise.all(pools.map((pool) => pool.end())))

const limit = (name: string, limits: Partial<QueueLimits>) =>
  limitQueue(sql, name, { ...UNLIMITED, ...limits })
const take = (places: number, by = 0) =>
  claimGoverned(pools[by]!, Array<number>(places).fill(1), PLAIN, STRICT)
const finish = (tasks: ClaimedTask[]) =>
  settleTasks(
    sql,
    tasks.map((task) => reportOf(task, 'completed')),
    NOW,
  )

/** Of each key so many are held. */
async function heldByKey() {
  const rows = await sql<{ key: string; count: number }[]>`
    SELECT concurrency_key AS key, count(*) AS count FROM tasks WHERE state = 'assigned' GROUP BY 1 ORDER BY 1`
  return Object.fromEntries(rows.map(({ key, count }) => [key, count]))
}

test('what has a limit or a key is left alone by the single statement, and taken by this claim in one order with the rest', async () => {
  await limit('mail', { concurrency: 5 })
  await insert(sql, 2, { queue: 'mail', priority: 2 })
  await insert(sql, 2, { concurrencyKey: 'k', priority: 1 })
  await insert(sql, 2)
  expect(await hasGoverned(sql, PLAIN)).toBe(true)
  expect(await claim(sql, 10)).toHaveLength(2)
  await insert(sql, 2, { priority: 3 })
  expect((await take(10)).map(({ priority }) => priority).sort()).toEqual([1, 1, 2, 2, 3, 3])
  expect(await hasGoverned(sql, PLAIN)).toBe(false)
})

test('the default queue has a rate, and limits for its keys, too', async () => {
  await limit('default', { rate: 6, ratePeriodMs: 60_000, keyConcurrency: 2 })
  await insert(sql, 10, { concurrencyKey: 'a' })
  await insert(sql, 1, { concurrencyKey: 'b' })
  await insert(sql, 10)
  expect(await claim(sql, 10)).toHaveLength(0)
  const first = await take(10)
  expect(first).toHaveLength(6)
  expect((await heldByKey()).a).toBeLessThanOrEqual(2)
  await finish(first)
  expect(await take(10)).toHaveLength(0)
  await limit('default', {})
  expect(await take(30)).not.toHaveLength(0)
})

test('a queue never holds more than its concurrency, and has room again when tasks end', async () => {
  await limit('mail', { concurrency: 3 })
  await insert(sql, 10, { queue: 'mail' })
  const first = await take(10)
  expect(first).toHaveLength(3)
  expect(await take(10)).toHaveLength(0)
  expect(await msUntilGoverned(sql, PLAIN)).toBeNull()
  await finish(first.slice(0, 2))
  expect(await msUntilGoverned(sql, PLAIN)).toBeLessThanOrEqual(0)
  expect(await take(10)).toHaveLength(2)
})

test('a paused queue gives nothing, neither with keys nor without, until it is resumed', async () => {
  await insert(sql, 2, { queue: 'mail' })
  await insert(sql, 2, { queue: 'mail', concurrencyKey: 'k' })
  await pauseQueue(sql, 'mail', 'an operator')
  expect(await hasGoverned(sql, PLAIN)).toBe(false)
  expect(await take(10)).toHaveLength(0)
  expect(await claim(sql, 10)).toHaveLength(0)
  expect(await msUntilGoverned(sql, PLAIN)).toBeNull()
  expect(await listQueues(sql, 'mail')).toMatchObject([{ pausedBy: 'an operator', held: 0, due: 4 }])
  expect(await resumeQueue(sql, 'mail')).toBe(true)
  expect(await take(10)).toHaveLength(4)
})

test('each key has its own limit, and one that is full does not stand in the way of others', async () => {
  await limit('mail', { keyConcurrency: 2 })
  await insert(sql, 50, { queue: 'mail', concurrencyKey: 'noisy' })
  await insert(sql, 3, { queue: 'mail', concurrencyKey: 'quiet' })
  const first = await take(10)
  expect(await heldByKey()).toEqual({ noisy: 2, quiet: 2 })
  expect(await take(10)).toHaveLength(0)
  await finish(first)
  await take(10)
  expect(await heldByKey()).toEqual({ noisy: 2, quiet: 1 })
})

test('without limits keys take turns, whatever each has waiting', async () => {
  await insert(sql, 100, { concurrencyKey: 'noisy' })
  await insert(sql, 5, { concurrencyKey: 'b' })
  await insert(sql, 5, { concurrencyKey: 'c' })
  for (let n = 0; n < 9; n++) await take(1)
  expect(await heldByKey()).toEqual({ noisy: 3, b: 3, c: 3 })
  await take(6)
  expect(await heldByKey()).toEqual({ noisy: 5, b: 5, c: 5 })
  expect(await take(20)).toHaveLength(20)
})

test('within a key a higher priority goes first', async () => {
  await insert(sql, 2, { concurrencyKey: 'k' })
  await insert(sql, 2, { concurrencyKey: 'k', priority: 3 })
  expect((await take(3)).map(({ priority }) => priority)).toEqual([3, 3, 0])
})

test('of a rate no more are claimed in any period, by however many at once', async () => {
  await limit('mail', { rate: 20, ratePeriodMs: 500 })
  await insert(sql, 100, { queue: 'mail' })
  const until = performance.now() + 1800
  while (performance.now() < until) await Promise.all(pools.map((_, by) => take(7, by)))
  const [row] = await sql<{ most: number; total: number }[]>`
    SELECT max(n)::bigint AS most, count(*) AS total FROM (
      SELECT count(*) OVER (ORDER BY picked_at RANGE BETWEEN interval '500 ms' PRECEDING AND CURRENT ROW) AS n
      FROM tasks WHERE picked_at IS NOT NULL) AS windows`
  expect(row!.most).toBeLessThanOrEqual(20)
  expect(row!.total).toBeWithin(50, 101)
  const wait = await msUntilGoverned(sql, PLAIN)
  expect(wait === null || wait <= 520).toBe(true)
})

test('a key over its rate is served again when its time has come, others meanwhile', async () => {
  await limit('mail', { keyRate: 2, keyRatePeriodMs: 60_000 })
  await insert(sql, 5, { queue: 'mail', concurrencyKey: 'a' })
  await insert(sql, 1, { queue: 'mail', concurrencyKey: 'b' })
  expect(await take(10)).toHaveLength(3)
  expect(await take(10)).toHaveLength(0)
  expect(await msUntilGoverned(sql, PLAIN)).toBeWithin(55_000, 62_000)
})

test('a key whose tasks are all due later is looked at then, and one that comes earlier is not missed', async () => {
  await insert(sql, 1, { concurrencyKey: 'k', scheduledAt: new Date(Date.now() + 60_000) })
  expect(await take(5)).toHaveLength(0)
  expect(await msUntilGoverned(sql, PLAIN)).toBeWithin(50_000, 60_001)
  await insert(sql, 1, { concurrencyKey: 'k' })
  expect(await take(5)).toHaveLength(1)
  expect(await msUntilGoverned(sql, PLAIN)).toBeWithin(50_000, 60_001)
})

test('limits hold and nobody waits for ever while many claim, settle and submit at once', async () => {
  await limit('mail', { concurrency: 6, keyConcurrency: 2 })
  const keys = ['a', 'b', 'c', 'd', 'e', null]
  let most = 0
  let mostOfKey = 0
  let left = 300
  const submitting = (async () => {
    for (let n = 0; n < 60; n++)
      await insert(sql, 5, { queue: 'mail', concurrencyKey: keys[n % keys.length]! })
  })()
  async function work(by: number) {
    const until = performance.now() + 25_000
    while (left > 0 && performance.now() < until) {
      const tasks = await take(1 + (by % 3), by)
      const [row] = await sql<{ held: number; ofKey: number }[]>`
        SELECT (SELECT count(*) FROM tasks WHERE state = 'assigned') AS held,
          (SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM tasks
            WHERE state = 'assigned' AND concurrency_key IS NOT NULL GROUP BY concurrency_key) AS k) AS "ofKey"`
      most = Math.max(most, row!.held)
      mostOfKey = Math.max(mostOfKey, row!.ofKey)
      await finish(tasks)
      left -= tasks.length
    }
  }
  await Promise.all([submitting, ...pools.map((_, by) => work(by))])
  expect(left).toBe(0)
  expect(most).toBeWithin(2, 7)
  expect(mostOfKey).toBeWithin(1, 3)
  expect(await sql`SELECT FROM lane_keys`).toHaveLength(0)
}, 30_000)
