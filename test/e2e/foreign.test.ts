import { beforeEach, expect, test } from 'bun:test'
import { status } from '@grpc/grpc-js'
import { failureOf } from '../support/client.ts'
import { type FakeCoordinator, startFakeCoordinator } from '../support/fake-coordinator.ts'
import { type Service, startService } from '../support/processes.ts'
import { waitFor } from '../support/wait.ts'

// Our worker and a coordinator that knows the documented calls alone.
const ENV = { TASK_PROCESS_TIME: '50', HEARTBEAT_INTERVAL: '100', MAX_HEARTBEAT_MISSES: '20' }
let coordinator: FakeCoordinator
let worker: Service

beforeEach(async () => {
  coordinator = await startFakeCoordinator()
  worker = await startService('worker', { ...ENV, COORDINATOR_ADDRESS: coordinator.address })
})

const statusesOf = (taskId: string) =>
  coordinator.statuses.filter(({ task_id }) => task_id === taskId).map(({ status }) => status)

async function complete(taskIds: string[]) {
  await waitFor(() => taskIds.every((id) => statusesOf(id).includes('COMPLETE')), {
    what: 'the tasks to be reported complete',
  })
}

test('it registers by heartbeats of one id and address, and keeps beating', async () => {
  await waitFor(() => coordinator.heartbeats.length >= 5, { what: 'five heartbeats' })
  expect(new Set(coordinator.heartbeats.map(({ workerId }) => workerId)).size).toBe(1)
  expect(new Set(coordinator.heartbeats.map(({ address }) => address)).size).toBe(1)
  expect(coordinator.heartbeats[0]!.address).toMatch(/^127\.0\.0\.1:\d+$/)
})

test('it takes what is pushed and reports STARTED, then COMPLETE', async () => {
  const before = Math.floor(Date.now() / 1000)
  const taskId = crypto.randomUUID()
  expect(await coordinator.push(taskId, 'yoooo')).toEqual({
    task_id: taskId,
    message: 'Task was submitted',
    success: true,
  })
  await complete([taskId])
  const after = Math.floor(Date.now() / 1000)
  expect(statusesOf(taskId)).toEqual(['STARTED', 'COMPLETE'])
  const [started, ended] = coordinator.statuses
  expect(started!.worker_id).toBe(coordinator.heartbeats[0]!.workerId)
  expect(started!.started_at).toBeWithin(before, after + 1)
  expect(ended!.completed_at).toBeWithin(started!.started_at, after + 1)
})

test('of more tasks than it has slots each runs once', async () => {
  const taskIds = Array.from({ length: 20 }, () => crypto.randomUUID())
  await Promise.all(taskIds.map((id) => coordinator.push(id, 'test')))
  await complete(taskIds)
  for (const id of taskIds) expect(statusesOf(id)).toEqual(['STARTED', 'COMPLETE'])
})

test('a task that is pushed twice runs once', async () => {
  const taskId = crypto.randomUUID()
  await coordinator.push(taskId, 'test')
  await coordinator.push(taskId, 'test')
  const next = crypto.randomUUID()
  await complete([taskId])
  await coordinator.push(taskId, 'test')
  await coordinator.push(next, 'test')
  await complete([next])
  expect(statusesOf(taskId)).toEqual(['STARTED', 'COMPLETE'])
})

test('what a coordinator did not take is reported again until it does', async () => {
  coordinator.refuse(true)
  const taskId = crypto.randomUUID()
  await coordinator.push(taskId, 'test')
  await waitFor(() => worker.logs.some(({ msg }) => msg === 'Lost the coordinator'), {
    what: 'the worker to give the connection up',
  })
  expect(statusesOf(taskId)).toEqual([])
  coordinator.refuse(false)
  await complete([taskId])
  expect(statusesOf(taskId)).toContain('STARTED')
})

test('a coordinator that comes back is found again, and hears of what ran meanwhile', async () => {
  const taskId = crypto.randomUUID()
  await coordinator.push(taskId, 'test')
  const port = Number(coordinator.address.split(':')[1])
  coordinator.stop()
  coordinator = await startFakeCoordinator(port)
  await complete([taskId])
  await waitFor(() => coordinator.heartbeats.length > 0, { what: 'a heartbeat' })
  const next = crypto.randomUUID()
  await coordinator.push(next, 'test')
  await complete([next])
})

test('on SIGTERM it takes nothing new, finishes what it has, reports it and ends', async () => {
  const taskIds = Array.from({ length: 8 }, () => crypto.randomUUID())
  await Promise.all(taskIds.map((id) => coordinator.push(id, 'test')))
  const exited = worker.stop()
  await waitFor(() => worker.logs.some(({ msg }) => msg === 'Stopping'), { what: 'the worker to stop' })
  expect((await failureOf(coordinator.push(crypto.randomUUID(), 'late'))).code).toBe(status.UNAVAILABLE)
  expect(await exited).toBe(0)
  for (const id of taskIds) expect(statusesOf(id)).toEqual(['STARTED', 'COMPLETE'])
})
