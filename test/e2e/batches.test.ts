import { expect, test } from 'bun:test'
import { startService } from '../support/processes.ts'
import { startPumpingCoordinator } from '../support/pumping-coordinator.ts'
import { startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

const SLOTS = 5

test('a worker with many short tasks runs several by one message, and reports each once, with its start', async () => {
  const total = 4000
  const { address, messages } = await startPumpingCoordinator(total, 256)
  const worker = await startService('worker', {
    COORDINATOR_ADDRESS: address,
    WORKER_NAME: 'w',
    TASK_LOGS: 'all',
  })
  const ends = () => messages.flat().filter(({ kind }) => kind === 'COMPLETED')
  await waitFor(() => ends().length >= total, { what: 'all to be reported', timeoutMs: 20_000 })

  expect(new Set(ends().map(({ task_id }) => task_id)).size).toBe(total)
  expect(ends().filter((end) => !(end.started_ago_ms >= end.ended_ago_ms))).toEqual([])
  // Before, every one of them was reported as started first, in a message of its own or with others.
  expect(messages.flat().filter(({ kind }) => kind === 'STARTED').length).toBeLessThan(total / 4)
  expect(messages.length).toBeLessThan(total / 4)
  expect(new Set(ends().map(({ slot }) => slot)).size).toBe(SLOTS)
  // Who follows tasks in the log sees nothing of this.
  const lines = ['Received task', 'Processing task', 'Completed task'].map(
    (what) => worker.logs.filter(({ msg }) => msg.startsWith(`${what}: task_id: `)).length,
  )
  expect(lines).toEqual([total, total, total])
})

test('a drain of short tasks runs each once; when long ones follow, workers keep none of them waiting', async () => {
  const system = await startSystem({ workers: ['a', 'b'], env: { TASK_PROCESS_TIME: '0' } })
  const short = await system.ended(await system.burst(3000))
  expect(short.filter(({ state, attempt }) => state !== 'completed' || attempt !== 1)).toEqual([])
  expect(short.filter((row) => row.startedAt! < row.pickedAt! || row.completedAt! < row.startedAt!)).toEqual(
    [],
  )

  await system.post('/api/schedule/batch', { count: 300, payload: { duration_ms: 2000 } })
  const inFlight = async () => {
    const [row] = await system.sql<{ assigned: number; running: number }[]>`
      SELECT count(*) FILTER (WHERE state = 'assigned')::int AS assigned,
        count(*) FILTER (WHERE state = 'running')::int AS running FROM tasks`
    return row!
  }
  await waitFor(
    async () => {
      const { assigned, running } = await inFlight()
      if (running === 2 * SLOTS && assigned <= 2 * SLOTS) return true
      throw new Error(`${assigned} assigned, ${running} running`)
    },
    { what: 'what waits to be the queue’s again', timeoutMs: 10_000 },
  )
  // What is more urgent is next, not behind what was given out before.
  const urgent = await system.submit({ priority: 'CRITICAL', durationMs: 0 })
  const [row] = await system.ended([urgent], 15_000)
  const [{ waiting } = { waiting: 0 }] = await system.sql<{ waiting: number }[]>`
    SELECT count(*)::int AS waiting FROM tasks WHERE picked_at IS NULL`
  expect(row).toMatchObject({ state: 'completed', attempt: 1 })
  expect(waiting).toBeGreaterThan(200)
}, 60_000)
