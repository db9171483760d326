import { beforeAll, expect, test } from 'bun:test'
import { status } from '@grpc/grpc-js'
import { documentedClient, failureOf } from '../support/client.ts'
import { type System, startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

let system: System
const STATES = ['pending', 'assigned', 'running', 'completed', 'failed', 'cancelled'] as const

type Stats = Record<`${(typeof STATES)[number] | 'total'}_tasks`, number>

interface Task {
  command: string
  state: string
  scheduled_at: string
  picked_at: string
  started_at: string
  completed_at: string
  failed_at: string
  attempt: number
  worker: string
}

beforeAll(async () => {
  system = await startSystem({ workers: ['worker-1', 'worker-2'], env: { TASK_PROCESS_TIME: '20' } })
})

test('a task that is submitted is picked, started and completed within 20 s', async () => {
  const { task_id } = await system.post<{ task_id: string }>('/schedule', {
    command: 'yoooo',
    scheduled_at: '2023-12-24T22:34:00+05:30',
  })
  const task = await waitFor(
    async () => {
      const found = await system.get<Task>(`/status?task_id=${task_id}`)
      return found.completed_at !== '' && found
    },
    { what: 'the task to complete', timeoutMs: 20_000 },
  )
  expect(task).toMatchObject({
    command: 'yoooo',
    state: 'completed',
    scheduled_at: '2023-12-24T17:04:00.000Z',
    failed_at: '',
    attempt: 1,
  })
  expect(['worker-1', 'worker-2']).toContain(task.worker)
  const times = [task.scheduled_at, task.picked_at, task.started_at, task.completed_at].map(Date.parse)
  expect(times.every(Number.isFinite)).toBeTrue()
  expect(times).toEqual(times.toSorted((a, b) => a - b))
})

test('a burst of 1,000 drains, and the stats sum to the total in every sample', async () => {
  const before = (await system.get<Stats>('/api/stats')).total_tasks
  const burst = system.burst(1000)
  const samples: Stats[] = []
  await waitFor(
    async () => {
      const stats = await system.get<Stats>('/api/stats')
      samples.push(stats)
      return stats.completed_tasks === before + 1000
    },
    { what: 'the burst to drain', timeoutMs: 30_000 },
  )
  for (const stats of samples) {
    const sum = STATES.reduce((total, state) => total + stats[`${state}_tasks`], 0)
    expect(sum).toBe(stats.total_tasks)
    expect([before, before + 1000]).toContain(stats.total_tasks)
  }
  // Samples of the way there, not of the end alone.
  expect(new Set(samples.map(({ completed_tasks }) => completed_tasks)).size).toBeGreaterThan(5)
  const rows = await system.rows(await burst)
  expect(rows.every(({ state, failures }) => state === 'completed' && failures === 0)).toBeTrue()
  expect(new Set(rows.map(({ workerId }) => workerId)).size).toBe(2)
})

test('a task that is submitted over gRPC runs', async () => {
  const { message, task_id } = await documentedClient(system.address).submitTask('over gRPC')
  expect(message).toBe('Task submitted successfully')
  expect(await system.ended([task_id])).toMatchObject([{ state: 'completed', attempt: 1 }])
})

test('the scheduler is ready, because its database and its coordinator answer', async () => {
  expect(await system.get('/readyz')).toBeObject()
})

test('bad input over gRPC is INVALID_ARGUMENT, stores nothing and is no error of ours', async () => {
  const client = documentedClient(system.address)
  const before = (await system.get<Stats>('/api/stats')).total_tasks
  const logged = system.coordinator.logs.length
  for (const data of ['', 'a\0b', 'x'.repeat(65_537)]) {
    const failure = await failureOf(client.submitTask(data))
    expect(failure).toEqual({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('data must have'),
    })
  }
  const taskId = crypto.randomUUID()
  for (const unknown of ['QUEUED', 17, -1]) {
    const failure = await failureOf(
      client.updateTaskStatus({ task_id: taskId, status: unknown as 'QUEUED', worker_id: 1 }),
    )
    expect(failure.code).toBe(status.INVALID_ARGUMENT)
  }
  for (const address of ['', 'host\0:1', 'x'.repeat(100_000)]) {
    const failure = await failureOf(client.sendHeartbeat({ workerId: 4_000_000_001, address }))
    expect(failure).toEqual({ code: status.INVALID_ARGUMENT, details: expect.stringContaining('address') })
  }
  expect((await client.listWorkers()).map(({ id }) => id)).not.toContain(4_000_000_001)
  expect((await system.get<Stats>('/api/stats')).total_tasks).toBe(before)
  expect(system.coordinator.logs.slice(logged).filter(({ level }) => level !== 'info')).toEqual([])
})

test('a status for a task that is unknown, malformed or ended succeeds and changes nothing', async () => {
  const client = documentedClient(system.address)
  const id = await system.submit()
  const [before] = await system.ended([id])
  for (const task_id of [id, crypto.randomUUID(), 'no uuid', '', "'; DROP TABLE tasks; --", 'a\0b']) {
    for (const state of ['STARTED', 'COMPLETE', 'FAILED'] as const) {
      const worker_id = before!.workerId as number
      expect(await client.updateTaskStatus({ task_id, status: state, worker_id })).toEqual({ success: true })
    }
  }
  expect(await system.rows([id])).toEqual([before!])
})

test('a worker that says it is somebody else changes nothing', async () => {
  const client = documentedClient(system.address)
  const id = await system.submit({ durationMs: 500 })
  const [running] = await waitFor(
    async () => {
      const rows = await system.rows([id])
      return rows[0]?.state === 'running' && rows
    },
    { what: 'the task to run' },
  )
  const worker_id = ((running!.workerId as number) + 1) >>> 0
  expect(await client.updateTaskStatus({ task_id: id, status: 'FAILED', worker_id })).toEqual({
    success: true,
  })
  expect(await system.ended([id])).toMatchObject([{ state: 'completed', failures: 0 }])
})
