import { expect, test } from 'bun:test'
import { waitFor } from '../../support/wait.ts'
import { addressOf, createStand, freePorts } from '../stand.ts'

const WORKERS = ['a', 'b', 'c', 'd']
/** Long enough for the coordinator to come back while they run. */
const RUNS_MS = 4000

test('everything restarted with tasks in flight: draining workers are given nothing, and nothing is charged', async () => {
  const stand = await createStand()
  const [port = 0] = await freePorts(1)
  const to = [addressOf({ port })]
  const env = { COORDINATOR_PORT: String(port), HEARTBEAT_INTERVAL: '5000' }
  const startWorker = (name: string) =>
    stand.worker(name, to, { WORKER_POOL_SIZE: '2', HEARTBEAT_INTERVAL: '5000' })
  let coordinator = await stand.coordinator(env)
  let scheduler = await stand.scheduler(to)
  const workers = await Promise.all(WORKERS.map(startWorker))

  // One slot of each has work for long; the other is free, were they not draining.
  const running = await stand.submit(WORKERS.length, RUNS_MS)
  await Promise.all(running.map((id) => stand.happened(id, 1, 'start')))
  const exits = workers.map((worker) => worker.stop())
  const draining = await waitFor(
    async () => {
      const rows = await stand.sql<{ id: number }[]>`SELECT id FROM workers WHERE draining`
      return rows.length === WORKERS.length && rows.map(({ id }) => id)
    },
    { what: 'all workers to drain' },
  )
  const waiting = await stand.submit(5, 10)
  await coordinator.stop()
  await scheduler.stop()
  coordinator = await stand.coordinator(env)
  scheduler = await stand.scheduler(to)
  await Promise.all(exits)
  await Promise.all(WORKERS.map(startWorker))
  for (const id of [...running, ...waiting]) await stand.until(id, { state: 'completed' }, 20_000)

  for (const id of running) expect(await stand.task(id)).toMatchObject({ attempt: 1 })
  // Among those that are new, what waits in one may be moved to another.
  const given = await stand.sql<{ id: number }[]>`
    SELECT worker_id AS id FROM attempts WHERE task_id = ANY(${waiting}::uuid[])
    UNION ALL SELECT worker_id FROM tasks WHERE id = ANY(${waiting}::uuid[])`
  expect(given.filter(({ id }) => draining.includes(id))).toEqual([])
  for (const id of [...running, ...waiting]) {
    expect(await stand.task(id)).toMatchObject({ failures: 0, losses: 0 })
    expect((await stand.history(id)).map(({ event }) => event)).toEqual(['start', 'completed'])
  }
}, 60_000)
