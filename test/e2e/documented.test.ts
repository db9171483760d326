import { expect, test } from 'bun:test'
import { status } from '@grpc/grpc-js'
import { documentedClient, failureOf } from '../support/client.ts'
import { startFakeWorker } from '../support/fake-worker.ts'
import { startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

/** The proportions of the default settings, ten times as fast. */
const FAST = { HEARTBEAT_INTERVAL: '500' }
const NO_WORKERS = { code: status.UNKNOWN, details: 'no workers available' }

async function stand(
  ids: number[],
  { reports = false, hasScheduler = false, env = {} as Record<string, string> } = {},
) {
  const system = await startSystem({ env, hasScheduler })
  const heartbeatMs = Number(env.HEARTBEAT_INTERVAL ?? 5000)
  const start = (id: number) => startFakeWorker({ id, coordinator: system.address, reports, heartbeatMs })
  const workers = await Promise.all(ids.map(start))
  const client = documentedClient(system.address)
  const received = () => workers.map((worker) => worker.received.length)
  return { system, workers, client, start, received }
}

const total = (counts: number[]) => counts.reduce((sum, count) => sum + count, 0)

test('with no worker at all, a submit fails at once with UNKNOWN and `no workers available`', async () => {
  const { client, system } = await stand([])
  expect(await failureOf(client.submitTask('test'))).toEqual(NO_WORKERS)
  expect(await system.sql`SELECT count(*) FROM tasks`).toMatchObject([{ count: 0 }])
})

test('within 20 s of two workers going silent, a submit fails: the default settings', async () => {
  const { client, workers, system } = await stand([1, 2])
  for (const worker of workers) worker.silence()
  const silentAt = performance.now()
  const failure = await waitFor(
    async () => {
      // Until they are given up, what is submitted is stored and sent to them.
      const given = await client.submitTask('test').then(
        () => null,
        (error: { code: number; details: string }) => ({ code: error.code, details: error.details }),
      )
      if (!given) await Bun.sleep(100)
      return given
    },
    { what: 'the submit to fail', timeoutMs: 20_000 },
  )
  expect(failure).toEqual(NO_WORKERS)
  const seconds = (performance.now() - silentAt) / 1000
  console.log(`no workers: ${seconds.toFixed(1)} s after the last heartbeat`)
  expect(seconds).toBeGreaterThan(14)
  const removed = () =>
    system.coordinator.logs.map(({ msg }) => msg).filter((msg) => msg.startsWith('Removing inactive worker'))
  await waitFor(() => removed().length === 2, { what: 'the log to say so' })
  expect(removed().sort()).toEqual(['Removing inactive worker: 1', 'Removing inactive worker: 2'])
})

test('of two workers one stops: the registry shows one, and all of 4 submits reach it', async () => {
  const { client, workers } = await stand([1, 2], { env: FAST })
  expect(await client.listWorkers()).toHaveLength(2)
  workers[0]!.stop()
  await waitFor(async () => (await client.listWorkers()).length === 1, { what: 'the registry to show one' })
  expect(await client.listWorkers()).toMatchObject([{ id: 2, address: workers[1]!.address }])

  const submitted = await Promise.all([1, 2, 3, 4].map((n) => client.submitTask(`task ${n}`)))
  await waitFor(() => workers[1]!.received.length >= 4, { what: 'the survivor to be sent four' })
  const taskIds = workers[1]!.received.map(({ task_id }) => task_id)
  expect(taskIds.sort()).toEqual(submitted.map(({ task_id }) => task_id).sort())
  expect(workers[0]!.received).toEqual([])
})

test('a worker that is gone but not yet given up costs no task', async () => {
  const { client, workers, system, received } = await stand([1, 2], { reports: true })
  workers[0]!.stop()
  const submitted = await Promise.all([1, 2, 3, 4].map((n) => client.submitTask(`task ${n}`)))
  const rows = await system.ended(submitted.map(({ task_id }) => task_id))
  expect(
    rows.every(({ state, workerId, failures }) => state === 'completed' && workerId === 2 && !failures),
  ).toBeTrue()
  expect(received()).toEqual([0, 4])
})

test.each(['one after the other', 'all at once'])(
  '8 submits over 4 workers, %s, are 2 each',
  async (manner) => {
    const { client, received } = await stand([11, 12, 13, 14])
    const submit = (n: number) => client.submitTask(`task ${n}`)
    const numbers = [1, 2, 3, 4, 5, 6, 7, 8]
    if (manner === 'all at once') await Promise.all(numbers.map(submit))
    else for (const n of numbers) await submit(n)
    await waitFor(() => total(received()) >= 8, { what: 'eight tasks to arrive' })
    expect(received()).toEqual([2, 2, 2, 2])
  },
)

test('a task carries its command and its priority to the worker, and its statuses come back', async () => {
  const { system, workers } = await stand([7], { reports: true, hasScheduler: true })
  const { task_id } = await system.post<{ task_id: string }>('/tasks', { command: 'echo hi', priority: 3 })
  expect(await system.ended([task_id])).toMatchObject([{ state: 'completed', attempt: 1, workerId: 7 }])
  expect(workers[0]!.received).toEqual([{ task_id, data: 'echo hi', priority: 3 }])
})

test('a new address for a known id replaces the old one', async () => {
  const { client, start, workers } = await stand([5])
  await client.submitTask('before')
  await waitFor(() => workers[0]!.received.length === 1, { what: 'the first to arrive' })
  workers[0]!.silence()
  const moved = await start(5)
  expect(await client.listWorkers()).toMatchObject([{ id: 5, address: moved.address }])
  await client.submitTask('after')
  await waitFor(() => moved.received.length === 1, { what: 'the second to arrive' })
  expect(moved.received[0]!.data).toBe('after')
  expect(workers[0]!.received).toHaveLength(1)
})

test('worker ids use the whole range of uint32', async () => {
  const ids = [0, 2_147_483_648, 4_294_967_295]
  const { client, system, workers } = await stand(ids, { reports: true })
  expect((await client.listWorkers()).map(({ id }) => id).sort()).toEqual(ids.toSorted())
  const submitted = await Promise.all([1, 2, 3].map((n) => client.submitTask(`task ${n}`)))
  const rows = await system.ended(submitted.map(({ task_id }) => task_id))
  expect(rows.map(({ workerId }) => workerId).sort()).toEqual(ids.toSorted())
  expect(workers.map(({ received }) => received.length)).toEqual([1, 1, 1])
  const completed = (await client.listWorkers()).map(({ tasks_completed }) => tasks_completed)
  expect(completed).toEqual([1, 1, 1])
})

test('the list of workers says what each runs', async () => {
  const { client, workers } = await stand([21])
  expect(await client.listWorkers()).toMatchObject([{ status: 'idle', current_task_id: '' }])
  const { task_id } = await client.submitTask('held')
  await waitFor(() => workers[0]!.received.length === 1, { what: 'the task to arrive' })
  await client.updateTaskStatus({ task_id, status: 'STARTED', worker_id: 21 })
  expect(await client.listWorkers()).toMatchObject([{ status: 'busy', current_task_id: task_id }])
  await client.updateTaskStatus({ task_id, status: 'FAILED', worker_id: 21 })
  expect(await client.listWorkers()).toMatchObject([{ status: 'idle', tasks_completed: 0 }])
})

test('50 workers that report share 500 tasks, 10 each', async () => {
  const ids = Array.from({ length: 50 }, (_, index) => 1000 + index)
  const { client, system, received } = await stand(ids, { reports: true })
  const taskIds: string[] = []
  while (taskIds.length < 500) {
    const submitted = await Promise.all(ids.map((id) => client.submitTask(`task ${id}`)))
    taskIds.push(...submitted.map(({ task_id }) => task_id))
    await waitFor(() => total(received()) >= taskIds.length, { what: 'them to arrive' })
  }
  const rows = await system.ended(taskIds)
  expect(rows.every(({ state, attempt }) => state === 'completed' && attempt === 1)).toBeTrue()
  expect(new Set(received())).toEqual(new Set([10]))
})
