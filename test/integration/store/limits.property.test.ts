import { afterAll, beforeEach, expect, test } from 'bun:test'
import { createRandom, type Random } from '../../../src/cli/chaos/random.ts'
import { createClaims } from '../../../src/coordinator/claims.ts'
import { PLAIN } from '../../../src/shared/core/lane.ts'
import { connect } from '../../../src/shared/store/connect.ts'
import { type ClaimedTask, settleTasks } from '../../../src/shared/store/dispatch.ts'
import { limitQueue, type QueueLimits, UNLIMITED } from '../../../src/shared/store/queues.ts'
import { insertTasks } from '../../../src/shared/store/tasks.ts'
import { createTransactions } from '../../../src/shared/store/transactions.ts'
import { createTestDatabase } from '../../support/database.ts'
import { newTask, reset } from '../../support/store.ts'

const CLAIMERS = 3
const MOST_PLACES = 6
const LIMIT_SEEDS = [1, 2, 3, 4]
const FAIRNESS_SEEDS = [11, 12, 13, 14]
const KEYS = ['a', 'b', 'c', 'd', null]

const database = await createTestDatabase()
const { sql } = database
const pools = Array.from({ length: CLAIMERS }, () =>
  createTransactions(database.sql, () => connect({ ...database.settings, poolMax: 1 }), 20_000),
)
beforeEach(async () => {
  await reset(sql)
  await sql`UPDATE queues SET concurrency = NULL, rate = NULL, rate_period_ms = NULL, key_concurrency = NULL,
    key_rate = NULL, key_rate_period_ms = NULL`
})
afterAll(() => Promise.all(pools.map((pool) => pool.end())))

/** Coordinators that claim for random numbers of places and let each task take its time, until all have ended. */
async function work(total: number, random: Random) {
  let ended = 0
  const deadline = performance.now() + 20_000
  async function finish(task: ClaimedTask) {
    const { duration_ms } = task.payload as { duration_ms: number }
    if (duration_ms > 0) await Bun.sleep(duration_ms)
    const { taskId, attempt, workerId } = task
    const now = performance.now()
    const said = { slot: 1, error: null, output: null, startedAt: now, endedAt: now }
    await settleTasks(sql, [{ taskId, attempt, workerId, kind: 'completed', ...said }], now)
    ended++
  }
  async function coordinate(by: number) {
    const claims = createClaims(sql, pools[by]!, { ageingMs: 100 })
    while (ended < total && performance.now() < deadline) {
      const places = Array<number>(random.integer(1, MOST_PLACES)).fill(by + 1)
      const tasks = await claims.claim(places, PLAIN)
      const all = tasks.map(finish)
      // Some wait for what they gave out, some go on at once.
      if (random.chance(0.5)) await Promise.all(all)
      else await Bun.sleep(random.integer(0, 5))
    }
  }
  await Promise.all(pools.map((_, by) => coordinate(by)))
  expect(ended).toBe(total)
}

interface Pick {
  queue: string
  key: string | null
  /** µs. */
  from: number
  to: number
}

/** What was held when, in the order of the claims, by the database's clock. */
const readPicks = () => sql<Pick[]>`
  SELECT lane_queue(lane) AS queue, concurrency_key AS key, (1e6 * extract(epoch FROM picked_at))::float8 AS from,
    (1e6 * extract(epoch FROM completed_at))::float8 AS to
  FROM tasks ORDER BY picked_at, id`

const mostHeld = (picks: Pick[]) =>
  Math.max(0, ...picks.map(({ from: at }) => picks.filter(({ from, to }) => from <= at && at < to).length))

const mostInPeriod = (picks: Pick[], ms: number) =>
  Math.max(
    0,
    ...picks.map(({ from: at }) => picks.filter(({ from }) => from <= at && from > at - ms * 1000).length),
  )

/** Limits that leave a round of two seconds time to do its work. */
function randomLimits(random: Random): QueueLimits {
  const maybe = <T>(make: () => T) => (random.chance(0.6) ? make() : null)
  const rate = maybe(() => random.integer(5, 25))
  const keyRate = maybe(() => random.integer(3, 10))
  return {
    concurrency: maybe(() => random.integer(2, 8)),
    rate,
    ratePeriodMs: rate && random.integer(50, 150),
    keyConcurrency: maybe(() => random.integer(1, 3)),
    keyRate,
    keyRatePeriodMs: keyRate && random.integer(50, 150),
  }
}

for (const seed of LIMIT_SEEDS)
  test(`no limit is exceeded at any instant, whatever comes at once: seed ${seed}`, async () => {
    const random = createRandom(seed)
    const limits: Record<string, QueueLimits> = {
      mail: randomLimits(random),
      post: randomLimits(random),
      default: { ...randomLimits(random), concurrency: null },
      free: UNLIMITED,
    }
    for (const [name, given] of Object.entries(limits)) await limitQueue(sql, name, given)
    const tasks = Array.from({ length: 160 }, () =>
      newTask({
        queue: random.pick(Object.keys(limits)),
        concurrencyKey: random.pick(KEYS),
        priority: random.integer(0, 3),
        payload: { duration_ms: random.integer(0, 30) },
      }),
    )
    const submitting = (async () => {
      for (let from = 0; from < tasks.length; ) {
        const many = random.integer(1, 30)
        await insertTasks(sql, tasks.slice(from, from + many))
        from += many
        await Bun.sleep(random.integer(0, 50))
      }
    })()
    await Promise.all([submitting, work(tasks.length, random)])

    const picks = await readPicks()
    for (const [queue, given] of Object.entries(limits)) {
      const own = picks.filter((one) => one.queue === queue)
      const most = given.concurrency ?? Number.POSITIVE_INFINITY
      expect(mostHeld(own)).toBeLessThanOrEqual(most)
      expect(mostInPeriod(own, given.ratePeriodMs ?? 0)).toBeLessThanOrEqual(
        given.rate ?? Number.POSITIVE_INFINITY,
      )
      for (const key of KEYS.filter((key) => key !== null)) {
        const ofKey = own.filter((one) => one.key === key)
        expect(mostHeld(ofKey)).toBeLessThanOrEqual(given.keyConcurrency ?? Number.POSITIVE_INFINITY)
        expect(mostInPeriod(ofKey, given.keyRatePeriodMs ?? 0)).toBeLessThanOrEqual(
          given.keyRate ?? Number.POSITIVE_INFINITY,
        )
      }
    }
  }, 30_000)

for (const seed of FAIRNESS_SEEDS)
  test(`while two keys have tasks left, neither is served much more than the other: seed ${seed}`, async () => {
    const random = createRandom(seed)
    const keys = ['a', 'b', 'c', 'd', 'e'].slice(0, random.integer(2, 5))
    const sizes = new Map(keys.map((key) => [key, random.integer(20, 80)]))
    // With a limit the queue is locked by one coordinator; without one it is not for its limits that keys take turns.
    if (random.chance(0.3))
      await limitQueue(sql, 'default', { ...UNLIMITED, rate: 10_000, ratePeriodMs: 1000 })
    const tasks = [...sizes].flatMap(([key, size]) =>
      Array.from({ length: size }, () =>
        newTask({ concurrencyKey: key, priority: random.integer(0, 3), payload: { duration_ms: 0 } }),
      ),
    )
    await insertTasks(sql, tasks)
    await work(tasks.length, random)

    const served = new Map(keys.map((key) => [key, 0]))
    let widest = 0
    for (const { key } of await readPicks()) {
      served.set(key!, served.get(key!)! + 1)
      const left = keys.filter((one) => served.get(one)! < sizes.get(one)!)
      const counts = left.map((one) => served.get(one)!)
      widest = Math.max(widest, Math.max(0, ...counts) - Math.min(...counts, Number.POSITIVE_INFINITY))
    }
    expect(widest).toBeLessThanOrEqual(2)
  }, 30_000)
