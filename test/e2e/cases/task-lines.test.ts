import { expect, test } from 'bun:test'
import type { Service } from '../../support/processes.ts'
import { startSystem } from '../../support/system.ts'
import { waitFor } from '../../support/wait.ts'

const system = await startSystem({ env: { TASK_PROCESS_TIME: '1' } })
const worker = await system.startWorker('w1')

const linesOf = (service: Service, taskId: string) =>
  service.logs.filter(({ msg }) => msg.includes(taskId)).map(({ level, msg }) => `${level} ${msg}`)

test('who follows a task in the logs finds it in the coordinator and the worker, and what waits in the scheduler', async () => {
  const id = await system.submit()
  await system.ended([id])
  await waitFor(() => linesOf(worker, id).length === 3, { what: 'its three lines' })
  expect(linesOf(worker, id)).toEqual([
    `info Received task: task_id: ${id}`,
    `info Processing task: task_id: ${id}`,
    `info Completed task: task_id: ${id}`,
  ])
  expect(linesOf(system.coordinator, id)).toEqual([`info Task assigned: task_id: ${id}`])
  await waitFor(() => system.scheduler.logs.some(({ msg }) => /^polling: \d+ tasks pending$/.test(msg)), {
    what: 'the scheduler to look',
    timeoutMs: 20_000,
  })
})

test('TASK_LOGS=off says nothing of any task', async () => {
  const quiet = await system.startWorker('w2', { TASK_LOGS: 'off', WORKER_LABELS: 'quiet' })
  const id = await system.submit({ labels: ['quiet'] })
  await system.ended([id])
  expect(linesOf(quiet, id)).toEqual([])
})
