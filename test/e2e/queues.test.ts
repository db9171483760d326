import { beforeAll, beforeEach, expect, test } from 'bun:test'
import { type System, startSystem } from '../support/system.ts'
import { cli, type Run } from '../support/up.ts'
import { waitFor } from '../support/wait.ts'

const SLOTS = 10

let system: System
let taskmaster: (...args: string[]) => Promise<Run>

beforeAll(async () => {
  // Nothing may be left to the scan.
  system = await startSystem({ workers: ['w1', 'w2'], env: { SCAN_INTERVAL: '60000' } })
  taskmaster = cli(`http://127.0.0.1:${system.scheduler.port}`)
}, 60_000)

beforeEach(async () => {
  await system.post('/api/tasks/cancel', { all: true })
  await waitFor(async () => (await heldOf()) === 0, { what: 'all to have stopped' })
})

async function heldOf(queue: string | null = null): Promise<number> {
  const [row] = await system.sql<{ count: number }[]>`
    SELECT count(*)::int AS count FROM tasks
    WHERE state IN ('assigned', 'running') AND (${queue}::text IS NULL OR lane_queue(lane) = ${queue})`
  return row!.count
}

const batch = (count: number, durationMs: number, more: object) =>
  system.post<{ task_ids: string[] }>('/api/schedule/batch', {
    ...{ count, payload: { duration_ms: durationMs }, ...more },
  })

/** ms from when it was submitted until it started, by the database. */
async function waitedMs(id: string): Promise<number> {
  const row = await waitFor(
    async () => {
      const [found] = await system.sql<{ ms: number | null }[]>`
        SELECT (1000 * extract(epoch FROM started_at - created_at))::float8 AS ms FROM tasks WHERE id = ${id}`
      return found?.ms != null && { ms: found.ms }
    },
    { what: 'it to start', timeoutMs: 30_000 },
  )
  return row.ms
}

test('a key with two thousand tasks does not delay the task of another key beyond the time that one takes', async () => {
  const runMs = 300
  await batch(1000, runMs, { concurrency_key: 'noisy' })
  await batch(1000, runMs, { concurrency_key: 'noisy' })
  await waitFor(async () => (await heldOf()) >= SLOTS, { what: 'the slots to be full' })
  for (let n = 0; n < 5; n++) {
    const id = await system.submit({ durationMs: 10, concurrency_key: 'quiet' })
    // A slot is free within the time that a task takes; on a busy machine its thread may have to wait for a core.
    expect(await waitedMs(id)).toBeLessThan(runMs + 400)
  }
  const [row] = await system.sql<{ waiting: number }[]>`
    SELECT count(*)::int AS waiting FROM tasks WHERE state = 'pending' AND concurrency_key = 'noisy'`
  expect(row!.waiting).toBeGreaterThan(1000)
}, 60_000)

test('a pause holds back at once what has not been given out, what runs ends, and a resume lets it go on at once', async () => {
  const { task_ids } = await batch(60, 300, { queue: 'letters' })
  await waitFor(async () => (await heldOf('letters')) >= SLOTS, { what: 'the slots to be full' })
  const paused = await taskmaster('queues', 'pause', 'letters', '--by', 'a test')
  expect(paused).toEqual({ code: 0, out: 'letters  paused\n', err: '' })
  await waitFor(async () => (await heldOf('letters')) === 0, { what: 'what runs to end' })
  const { paused_at, due } = await system.get<{ paused_at: string; due: number }>('/api/queues/letters')
  const rows = await system.rows(task_ids)
  expect(rows.filter(({ state }) => !['completed', 'pending'].includes(state))).toEqual([])
  const waiting = rows.filter(({ state }) => state === 'pending')
  expect(waiting.length).toBe(due)
  expect(waiting.length).toBeGreaterThan(10)
  // A claim that had begun may be written as the pause is.
  const late = rows.filter(({ pickedAt }) => pickedAt && pickedAt.getTime() > Date.parse(paused_at) + 100)
  expect(late).toEqual([])
  expect((await taskmaster('queues')).out).toMatch(/\nletters +0 +\d+ +paused by a test\n/)
  // Others go on meanwhile.
  await system.ended([await system.submit({ durationMs: 1 })])

  const [before] = await system.sql<{ now: Date }[]>`SELECT clock_timestamp() AS now`
  await system.post('/api/queues/letters/resume', {})
  const ended = await system.ended(task_ids)
  expect(ended.filter(({ state }) => state !== 'completed')).toEqual([])
  const resumed = ended.filter(({ id }) => waiting.some((one) => one.id === id))
  const first = Math.min(...resumed.map(({ pickedAt }) => pickedAt!.getTime()))
  expect(first - before!.now.getTime()).toBeWithin(-1, 500)
}, 60_000)

test('a task that needs a label waits for a worker that has it, and starts as soon as there is one; others go on', async () => {
  const ids = [
    await system.submit({ durationMs: 1, labels: ['gpu'] }),
    await system.submit({ durationMs: 1, labels: ['gpu'], concurrency_key: 'k' }),
    await system.submit({ durationMs: 1, labels: ['gpu'], queue: 'letters' }),
  ]
  await system.ended((await batch(50, 1, {})).task_ids)
  expect((await system.rows(ids)).map(({ state }) => state)).toEqual(['pending', 'pending', 'pending'])
  const worker = await system.startWorker('w3', { WORKER_LABELS: 'gpu,eu' })
  const ended = await system.ended(ids)
  const [row] = await system.sql<{ id: number; at: Date }[]>`
    SELECT id, registered_at AS at FROM workers WHERE name = 'w3'`
  expect(ended.map(({ state, workerId }) => [state, workerId])).toEqual(ids.map(() => ['completed', row!.id]))
  // A tenth of a second on a machine that has nothing else to do; a scan would take a minute.
  for (const { startedAt } of ended) expect(startedAt!.getTime() - row!.at.getTime()).toBeWithin(-1, 3000)
  expect((await taskmaster('workers')).out).toMatch(/\nw3 .* gpu, eu /)
  await worker.stop()
}, 60_000)

test('the command line sets limits, shows them, and submits to a queue under a key with labels', async () => {
  const limited = await taskmaster(
    ...['queues', 'limit', 'mail', '--concurrency', '5', '--rate', '100/1m', '--key-concurrency', '1'],
  )
  expect(limited).toEqual({
    code: 0,
    out: 'Queue:    mail\nStatus:   active\nHeld:     0 of 5\nDue:      0\nRate:     100/1m\nPer key:  1 at once\n',
    err: '',
  })
  const lifted = await taskmaster('queues', 'limit', 'mail', '--rate', 'none', '--json')
  expect(JSON.parse(lifted.out)).toMatchObject({ concurrency: 5, rate: null, per_key: { concurrency: 1 } })
  expect((await taskmaster('queues')).out).toMatch(
    /^NAME +HELD +DUE +RATE +PER KEY +STATE\ndefault +0 +0 +active\n/,
  )
  expect(await taskmaster('queues', 'show', 'nobody')).toEqual({
    code: 1,
    out: '',
    err: 'Error: Queue not found\n',
  })
  expect(await taskmaster('queues', 'limit', 'default', '--concurrency', '1')).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^Error: concurrency is not for the queue default/),
  })
  const submitted = await taskmaster(
    ...['submit', '--cmd', 'x', '--queue', 'mail', '--key', 'k', '--label', 'a', '--label', 'b', '--json'],
  )
  const { task_id } = JSON.parse(submitted.out)
  expect((await taskmaster('status', task_id)).out).toMatch(
    /\nQueue: +mail\nConcurrency key: +k\nLabels: +a, b\n/,
  )
  for (const command of ['limit', 'pause', 'resume', 'show', 'list']) {
    expect((await taskmaster('queues', command, '--help')).out).toMatch(/Examples?:\n {2}\$ bun run/)
  }
}, 60_000)
