import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { createClient, TaskFailed } from 'taskmaster/client'
import { greet } from '../support/handlers/greet.ts'
import { type System, startSystem } from '../support/system.ts'

let system: System
let client: ReturnType<typeof createClient>

beforeAll(async () => {
  const env = {
    WORKER_EXECUTORS: 'function',
    TASK_HANDLERS: join(import.meta.dir, '..', 'support', 'handlers'),
  }
  system = await startSystem({ workers: ['w1'], env })
  client = createClient({ url: `http://127.0.0.1:${system.scheduler.port}` })
}, 60_000)

afterAll(() => client.close())

test('a handler is submitted by its definition, and its result has the type that it returns', async () => {
  const handle = await client.submit(greet, { name: 'Ada', times: 2 }, { priority: 'HIGH' })
  const { greetings, attempt } = await handle.result({ timeoutMs: 20_000 })
  const said: string[] = greetings
  expect({ said, attempt }).toEqual({ said: ['Hello, Ada', 'Hello, Ada'], attempt: 1 })
  const task = await handle.get()
  expect(task).toMatchObject({ executor: 'function', command: 'greet', priority: 2, max_retries: 3 })
  expect(task.timeout_ms).toBe(10_000)
})

test('or by its name and the type of its definition', async () => {
  const handle = await client.submit<typeof greet>('greet', { name: 'Bob' }, { retries: 0 })
  expect((await handle.result({ timeoutMs: 20_000 })).greetings).toEqual(['Hello, Bob'])
})

test('what it throws is what its result rejects with, and so is an input that its schema refuses', async () => {
  const failing = await client.submit(greet, { name: 'Eve', fail: true }, { retries: 0 })
  await expect(failing.result({ timeoutMs: 20_000 })).rejects.toThrow(/Eve is not greeted/)
  const refused = await client.submit(greet, { name: '' })
  const error = await refused.result({ timeoutMs: 20_000 }).catch((thrown) => thrown)
  expect(error).toBeInstanceOf(TaskFailed)
  expect(error.task).toMatchObject({ attempt: 1, state: 'failed' })
})
