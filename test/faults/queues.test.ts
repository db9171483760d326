import { beforeAll, expect, test } from 'bun:test'
import { limitQueue, UNLIMITED } from '../../src/shared/store/queues.ts'
import { waitFor } from '../support/wait.ts'
import { addressOf, createStand, type Stand } from './stand.ts'

const CONCURRENCY = 5
const PER_KEY = 2
const KEYS = ['a', 'b', 'c', 'd', null]
const TASKS = 200

let stand: Stand
beforeAll(async () => {
  stand = await createStand()
  await limitQueue(stand.sql, 'mail', {
    ...UNLIMITED,
    concurrency: CONCURRENCY,
    keyConcurrency: PER_KEY,
  })
}, 60_000)

interface Held {
  held: number
  ofKey: number
}

/** Looks at the table without a pause until told to stop; what was held at most. */
function sample({ sql }: Stand) {
  const most: Held = { held: 0, ofKey: 0 }
  let looks = 0
  let stopped = false
  const sampling = (async () => {
    while (!stopped) {
      const [row] = await sql<Held[]>`
        WITH held AS MATERIALIZED (SELECT concurrency_key AS key FROM tasks
          WHERE lane_queue(lane) = 'mail' AND state IN ('assigned', 'running'))
        SELECT (SELECT count(*) FROM held) AS held, (SELECT coalesce(max(n), 0)
          FROM (SELECT count(*) AS n FROM held WHERE key IS NOT NULL GROUP BY key) AS k) AS "ofKey"`
      most.held = Math.max(most.held, row!.held)
      most.ofKey = Math.max(most.ofKey, row!.ofKey)
      looks++
      await Bun.sleep(5)
    }
  })()
  return async () => {
    stopped = true
    await sampling
    return { ...most, looks }
  }
}

interface Span {
  taskId: string
  from: number
  to: number
}

/** The most spans that overlap at any instant. */
function mostAtOnce(spans: Span[]): number {
  const edges = spans.flatMap(({ from, to }) => [
    { at: from, by: 1 },
    { at: to, by: -1 },
  ])
  // What ends as another begins was not at once with it.
  edges.sort((a, b) => a.at - b.at || a.by - b.by)
  let now = 0
  let most = 0
  for (const { by } of edges) {
    now += by
    most = Math.max(most, now)
  }
  return most
}

test('limits hold over two coordinators while tasks come in, and while one of them and a worker are killed', async () => {
  const coordinators = [await stand.coordinator(), await stand.coordinator()]
  const [one, two] = coordinators.map(addressOf) as [string, string]
  const pool = { WORKER_POOL_SIZE: '4' }
  const workers = await Promise.all([
    stand.worker('w1', [one, two], pool),
    stand.worker('w2', [two, one], pool),
    stand.worker('w3', [one, two], pool),
  ])
  const stopSampling = sample(stand)
  const ids: string[] = []
  const ended = async () =>
    (await stand.sql`SELECT FROM tasks WHERE lane_queue(lane) = 'mail' AND completed_at IS NOT NULL`).length
  async function submitSome(count: number) {
    for (let n = 0; n < count / 10; n++) {
      const concurrencyKey = KEYS[n % KEYS.length]!
      ids.push(...(await stand.submit(10, 40, { queue: 'mail', concurrencyKey })))
    }
  }
  await submitSome(TASKS / 2)
  await waitFor(async () => (await ended()) >= 30, { what: 'thirty tasks to end', timeoutMs: 30_000 })
  const victim = workers[1]!.pid
  coordinators[0]!.kill('SIGKILL')
  workers[1]!.kill('SIGKILL')
  await workers[1]!.exited
  const killedAt = performance.timeOrigin + performance.now()
  await submitSome(TASKS / 2)
  await waitFor(async () => (await ended()) === TASKS, { what: 'all to end', timeoutMs: 60_000 })

  const seen = await stopSampling()
  expect(seen.looks).toBeGreaterThan(50)
  expect(seen.held).toBe(CONCURRENCY)
  expect(seen.ofKey).toBe(PER_KEY)

  const keys = new Map(
    (await stand.sql<{ id: string; key: string | null }[]>`SELECT id, concurrency_key AS key FROM tasks`).map(
      ({ id, key }) => [id, key],
    ),
  )
  const history = await stand.history()
  const spans = history
    .filter(({ event }) => event === 'start')
    .map(({ taskId, attempt, at, pid }) => {
      const end = history.find(
        (line) => line.taskId === taskId && line.attempt === attempt && line.event !== 'start',
      )
      if (!end) expect(pid).toBe(victim)
      return { taskId, from: at, to: end?.at ?? killedAt }
    })
  expect(new Set(spans.map(({ taskId }) => taskId)).size).toBe(TASKS)
  expect(mostAtOnce(spans)).toBeWithin(2, CONCURRENCY + 1)
  for (const key of KEYS.filter((key) => key !== null)) {
    expect(mostAtOnce(spans.filter(({ taskId }) => keys.get(taskId) === key))).toBeWithin(1, PER_KEY + 1)
  }
}, 120_000)

test('a rate holds over two coordinators: in no period are more claimed', async () => {
  await limitQueue(stand.sql, 'slow', { ...UNLIMITED, rate: 20, ratePeriodMs: 500 })
  const coordinators = [await stand.coordinator(), await stand.coordinator()]
  for (const [n, coordinator] of coordinators.entries()) await stand.worker(`r${n}`, [addressOf(coordinator)])
  const startedAt = performance.now()
  await stand.submit(60, 1, { queue: 'slow' })
  await stand.submit(60, 1, { queue: 'slow', concurrencyKey: 'k' })
  const claims = async () =>
    await stand.sql<{ workerId: number }[]>`
      SELECT worker_id AS "workerId" FROM tasks WHERE lane_queue(lane) = 'slow' AND completed_at IS NOT NULL`
  await waitFor(async () => (await claims()).length === 120, { what: 'all to end', timeoutMs: 30_000 })
  // Six periods: five have to pass between the first claim and the last.
  expect(performance.now() - startedAt).toBeWithin(2500, 8000)
  expect(new Set((await claims()).map(({ workerId }) => workerId)).size).toBeGreaterThan(1)
  const [row] = await stand.sql<{ most: number }[]>`
    SELECT max(n)::int AS most FROM (SELECT count(*) OVER (
      ORDER BY picked_at RANGE BETWEEN interval '500 ms' PRECEDING AND CURRENT ROW) AS n
      FROM tasks WHERE lane_queue(lane) = 'slow') AS windows`
  expect(row!.most).toBeLessThanOrEqual(20)
}, 60_000)
