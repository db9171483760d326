import { expect, test } from 'bun:test'
import { freePort } from '../../src/cli/up/ports.ts'
import { READY } from '../../src/cli/up/services.ts'
import type { Service } from '../support/processes.ts'
import { waitFor } from '../support/wait.ts'
import { addressOf, createStand, freePorts } from './stand.ts'

/** Whoever waits for the first before it starts the next does not start them at once. */
const AT_ONCE = { untilReady: false }
const ROUNDS = 3
const TASKS = 200

test('both coordinators killed at a claim: nothing is lost, and nothing that had ended runs again', async () => {
  const stand = await createStand()
  const ports = await freePorts(2)
  const start = () => Promise.all(ports.map((port) => stand.coordinator({ COORDINATOR_PORT: String(port) })))
  let coordinators: Service[] = await start()
  const to = ports.map((port) => addressOf({ port }))
  await Promise.all(['a', 'b'].map((name) => stand.worker(name, to)))

  const ids: string[] = []
  for (let round = 0; round < ROUNDS; round++) {
    ids.push(...(await stand.submit(TASKS, 5)))
    // In the midst of it: some are claimed, some are on their way, most are neither.
    await waitFor(
      async () =>
        (
          await stand.sql`SELECT FROM tasks WHERE id = ANY(${ids.slice(-TASKS)}::uuid[]) AND picked_at IS NOT NULL`
        ).length,
      { what: 'a claim' },
    )
    for (const coordinator of coordinators) coordinator.kill('SIGKILL')
    await Promise.all(coordinators.map(({ exited }) => exited))
    coordinators = await start()
  }

  await waitFor(
    async () => {
      const [row] = await stand.sql`SELECT count(*) AS count FROM tasks WHERE state = 'completed'`
      return row?.count === TASKS * ROUNDS
    },
    { what: 'every task to complete', timeoutMs: 30_000 },
  )
  const byAttempt = Map.groupBy(await stand.history(), ({ taskId, attempt }) => `${taskId}#${attempt}`)
  for (const events of byAttempt.values()) expect(events.length).toBeLessThanOrEqual(2)
  const rows = await stand.sql<{ id: string; attempt: number }[]>`SELECT id, attempt FROM tasks`
  for (const { id, attempt } of rows) {
    expect(byAttempt.get(`${id}#${attempt}`)?.map(({ event }) => event)).toEqual(['start', 'completed'])
    expect(byAttempt.has(`${id}#${attempt + 1}`)).toBeFalse()
  }
}, 60_000)

test('a worker whose coordinator is killed takes its running tasks to another, and none starts anew', async () => {
  const stand = await createStand()
  // The move is looked at, not the lease: that must outlast it on a machine that is busy with other things.
  const lease = { HEARTBEAT_INTERVAL: '2000' }
  const coordinators = await Promise.all([stand.coordinator(lease), stand.coordinator(lease)])
  const worker = await stand.worker('faithful', coordinators.map(addressOf), lease)
  const [id = ''] = await stand.submit(1, 2500)
  await stand.until(id, { state: 'running' })
  const address = worker.logs.findLast(({ msg }) => msg === 'Connected to coordinator')?.address
  coordinators.find((coordinator) => addressOf(coordinator) === address)?.kill('SIGKILL')
  await stand.until(id, { state: 'completed', attempt: 1 })
  expect((await stand.history(id)).map(({ event }) => event)).toEqual(['start', 'completed'])
  expect(await stand.past(id)).toEqual([])
})

test('20 services that start at once on an empty database agree on its schema and do their work', async () => {
  const stand = await createStand()
  await stand.sql`DROP SCHEMA taskmaster CASCADE`
  const ports = await freePorts(7)
  const to = ports.map((port) => addressOf({ port }))
  const schedulerPort = await freePort('127.0.0.1')
  const services = await Promise.all([
    stand.scheduler(to, { SCHEDULER_PORT: String(schedulerPort) }, AT_ONCE),
    ...Array.from({ length: 5 }, () => stand.scheduler(to, {}, AT_ONCE)),
    ...ports.map((port) => stand.coordinator({ COORDINATOR_PORT: String(port) }, AT_ONCE)),
    ...Array.from({ length: 7 }, (_, index) =>
      stand.worker(`w${index}`, to, { WORKER_POOL_SIZE: '1' }, AT_ONCE),
    ),
  ])
  expect(services).toHaveLength(20)
  const isUp = ({ logs }: Service) =>
    logs.some(({ msg }) => Object.values(READY).some((ready) => ready.test(msg)))
  const lastWords = () => services.filter((service) => !isUp(service)).map(({ logs }) => logs.slice(-2))
  await waitFor(() => services.every(isUp) || Promise.reject(Bun.inspect(lastWords(), { depth: 6 })), {
    what: 'all of them to be up',
    timeoutMs: 80_000,
  })
  const applied = services.flatMap(({ logs }) => logs.filter(({ msg }) => msg === 'Migrated the database'))
  expect(applied).toHaveLength(1)

  const submit = async () => {
    const response = await fetch(`http://127.0.0.1:${schedulerPort}/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ command: 'x', payload: { duration_ms: 20 } }),
    })
    const { task_id } = (await response.json()) as { task_id: string }
    return task_id
  }
  const ids = await Promise.all(Array.from({ length: 50 }, submit))
  for (const id of ids) await stand.until(id, { state: 'completed' })
}, 120_000)
