import { expect, test } from 'bun:test'
import type { ProducerConfig } from '../../../bench/harness/config.ts'
import { readConfig } from '../../../bench/harness/config.ts'
import { createProducer } from '../../../bench/harness/producer.ts'
import { createWindow } from '../../../bench/harness/window.ts'
import { waitFor } from '../../support/wait.ts'

test('percentiles have three significant figures, whatever the durations are', () => {
  for (const scale of [0.01, 1, 1000, 100_000]) {
    const window = createWindow(30)
    for (let value = 1; value <= 1000; value++) window.record(value * scale)
    const { p50, p95, p99 } = window.percentiles()
    expect(Math.abs(p50 / (500 * scale) - 1)).toBeLessThan(0.001)
    expect(Math.abs(p95 / (950 * scale) - 1)).toBeLessThan(0.001)
    expect(Math.abs(p99 / (990 * scale) - 1)).toBeLessThan(0.001)
  }
})

test('a duration that is counted often weighs as much', () => {
  const window = createWindow(30)
  window.record(2, 98)
  window.record(700, 2)
  expect(window.percentiles()).toEqual({
    p50: expect.closeTo(2, 2),
    p95: expect.closeTo(2, 2),
    p99: expect.closeTo(700, 0),
  })
})

test('what is older than the window does not count, and of nothing there is zero', () => {
  let now = 1_000_000
  const window = createWindow(30, () => now)
  window.record(5)
  now += 29_000
  expect(window.percentiles().p50).toBeCloseTo(5, 2)
  now += 1000
  expect(window.percentiles()).toEqual({ p50: 0, p95: 0, p99: 0 })
})

test('the defaults are those of the other adapters; a database must be named, and other scenarios are refused', () => {
  const { database, ...config } = readConfig({ DATABASE_URL: 'postgres://bench:bench@localhost:15555/some' })
  expect(database).toMatchObject({ host: 'localhost', port: 15_555, user: 'bench', database: 'some' })
  expect(config).toEqual({
    instance: 0,
    sampleEverySeconds: 5,
    slots: 32,
    producer: {
      ...{ pacing: 'rate', rate: 800, rateFile: null, batchMax: 128, batchMs: 25, targetDepth: 1000 },
      ...{ payloadBytes: 256, workMs: 1, queues: 1 },
    },
  })
  expect(() => readConfig({})).toThrow('Wrong settings: DATABASE_URL must be set')
  expect(() => readConfig({ SCENARIO: 'worker_only', WORKER_COUNT: '0' })).toThrow(
    'Wrong settings: SCENARIO must be one of long_horizon, not "worker_only"; WORKER_COUNT must be a whole number from 1 to 256, not "0"',
  )
})

test('by rate, what is submitted follows the time that has passed, though each request takes long', async () => {
  await using scheduler = startScheduler(120)
  const { producer, accepted } = produce(scheduler.url, { rate: 500, batchMs: 5 })
  const startedAt = performance.now()
  const running = producer.run()
  await waitFor(() => accepted() >= 300, { what: '300 tasks' })
  const perSecond = accepted() / ((performance.now() - startedAt) / 1000)
  await producer.stop()
  await running
  // By the number of rounds it would have been 2 or 3 a request, some 80 in a second.
  expect(perSecond).toBeGreaterThan(300)
  expect(perSecond).toBeLessThanOrEqual(500)
})

test('by depth, it submits what is missing and then waits', async () => {
  await using scheduler = startScheduler()
  let depth = 0
  const { producer, accepted } = produce(
    scheduler.url,
    { pacing: 'depth', targetDepth: 300, batchMax: 128, queues: 2 },
    () => depth,
    (count) => {
      depth += count
    },
  )
  const running = producer.run()
  await waitFor(() => accepted() === 300, { what: '300 tasks' })
  await producer.stop()
  await running
  expect(scheduler.batches.map(({ length }) => length)).toEqual([128, 128, 44])
  expect(scheduler.batches.map(([first]) => first?.queue)).toEqual(['harness-0', 'harness-1', 'harness-0'])
})

test('a task has about as many bytes as the harness says, and it goes on after a refusal', async () => {
  await using scheduler = startScheduler(0, 1)
  const { producer, accepted, failures } = produce(scheduler.url, { rate: 100, payloadBytes: 400 })
  const running = producer.run()
  await waitFor(() => accepted() > 0, { what: 'a task after the refusal' })
  await producer.stop()
  await running
  expect(failures).toEqual([expect.stringContaining('503 away')])
  const [first] = scheduler.batches[0]!
  expect(first).toMatchObject({ command: 'harness-job', executor: 'function', payload: { work_ms: 0 } })
  expect(JSON.stringify(first!.payload).length).toBeWithin(380, 420)
})

const SETTINGS: ProducerConfig = {
  ...{ pacing: 'rate', rate: 100, rateFile: null, batchMax: 128, batchMs: 5, targetDepth: 100 },
  ...{ payloadBytes: 256, workMs: 0, queues: 1 },
}

function produce(
  url: string,
  settings: Partial<ProducerConfig>,
  depth = () => 0,
  onAccepted: (count: number) => void = () => {},
) {
  let accepted = 0
  const failures: string[] = []
  const producer = createProducer({
    ...SETTINGS,
    ...settings,
    url,
    depth,
    onAccepted(count) {
      accepted += count
      onAccepted(count)
    },
    onFailure: (_count, { message }) => void failures.push(message),
  })
  return { producer, failures, accepted: () => accepted }
}

interface SubmittedTask {
  command: string
  queue?: string
  payload: object
}

/** Stands for a scheduler: answers after so many ms, and refuses the first requests. */
function startScheduler(answerMs = 0, refusals = 0) {
  const batches: SubmittedTask[][] = []
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      const { tasks } = (await request.json()) as { tasks: SubmittedTask[] }
      await Bun.sleep(answerMs)
      if (refusals-- > 0) return new Response('away', { status: 503 })
      batches.push(tasks)
      return Response.json({ count: tasks.length })
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}`,
    batches,
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}
