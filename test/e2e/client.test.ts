import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { ClientError, createClient, TaskCancelled, TaskFailed, type TaskUpdate } from 'taskmaster/client'
import { createTestDatabase, databaseEnv, type TestDatabase } from '../support/database.ts'
import { startService } from '../support/processes.ts'
import { type System, startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

const UNKNOWN = '00000000-0000-7000-8000-000000000000'
let database: TestDatabase
let system: System
let client: ReturnType<typeof createClient>

beforeAll(async () => {
  database = await createTestDatabase()
  system = await startSystem({ database, workers: ['w1'], env: { TASK_PROCESS_TIME: '20' } })
  client = createClient({ url: `http://127.0.0.1:${system.scheduler.port}` })
}, 60_000)

afterAll(() => client.close())

const nap = (durationMs: number) => ({ command: 'nap', payload: { duration_ms: durationMs } })

/** A second scheduler of the same system, that can be ended and started again on its port. */
async function startScheduler() {
  const env = { ...databaseEnv(database.settings), COORDINATOR_ADDRESS: system.address }
  let service = await startService('scheduler', env)
  const { port } = service
  return {
    url: `http://127.0.0.1:${port}`,
    async restart() {
      await service.stop()
      service = await startService('scheduler', { ...env, SCHEDULER_PORT: String(port) })
    },
  }
}

/** The code of the error that a call rejects with. */
async function codeOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ClientError)
  return (error as ClientError).code
}

describe('a result', () => {
  test('is awaited, live', async () => {
    const handle = await client.submit(nap(50))
    const startedAt = performance.now()
    expect(await handle.result()).toBe((await handle.get()).output)
    expect(performance.now() - startedAt).toBeLessThan(5000)
    expect((await handle.get()).state).toBe('completed')
  })

  test('of a task that has ended, or was submitted by others, is there too', async () => {
    const id = await system.submit({ durationMs: 1 })
    await system.ended([id])
    expect(await client.task(id).result()).toBe((await client.task(id).get()).output)
  })

  test('of three hundred tasks at once comes over few connections', async () => {
    const handles = await client.submitMany(Array.from({ length: 300 }, () => nap(1)))
    expect(await Promise.all(handles.map((handle) => handle.result({ timeoutMs: 30_000 })))).toHaveLength(300)
  }, 40_000)

  test('of a task that fails or is cancelled is its error, with the task', async () => {
    const failing = await client.submit({ command: 'x', payload: { duration_ms: 1, failure_rate: 1 } })
    const failure: TaskFailed = await failing.result().then(Promise.reject, (error) => error)
    expect(failure).toBeInstanceOf(TaskFailed)
    expect(failure.task).toMatchObject({ task_id: failing.id, state: 'failed' })
    expect(failure.message).toContain(failure.task.error ?? '?')
    const waiting = await client.submit({ ...nap(1), delayMs: 3_600_000 })
    const awaited = waiting.result().catch((error) => error)
    expect(await waiting.cancel()).toMatchObject({ status: 'cancelled' })
    expect(await awaited).toBeInstanceOf(TaskCancelled)
  })

  test('is given up after a time, by a signal, and for a task that does not exist', async () => {
    const handle = await client.submit({ ...nap(1), delayMs: 3_600_000 })
    expect(await codeOf(handle.result({ timeoutMs: 50 }))).toBe('timeout')
    const abort = new AbortController()
    const awaited = handle.result({ signal: abort.signal }).catch((error) => error)
    abort.abort(new Error('enough'))
    expect(await awaited).toMatchObject({ message: 'enough' })
    expect(await codeOf(client.task(UNKNOWN).result())).toBe('not_found')
    expect(await codeOf(client.task('nonsense').result())).toBe('invalid')
    await handle.cancel()
  })
})

test('a task that waits for another is given every option in camel case', async () => {
  const first = await client.submit(nap(200))
  const second = await client.submit({ ...nap(1), dependsOn: [first.id], queue: 'reports' })
  await second.result({ timeoutMs: 20_000 })
  const [one, other] = await Promise.all([first.get(), second.get()])
  expect(other.queue).toBe('reports')
  expect(Date.parse(other.started_at ?? '')).toBeGreaterThanOrEqual(Date.parse(one.completed_at ?? 'x'))
})

describe('updates', () => {
  test('tell how it stands, then what becomes of it, each step once, up to the end', async () => {
    const handle = await client.submit(nap(300))
    const updates: TaskUpdate[] = []
    for await (const update of handle.updates()) updates.push(update)
    expect(updates.at(-1)).toMatchObject({ taskId: handle.id, state: 'completed', type: 'completed' })
    expect(updates.map(({ type }) => type)).toContain('started')
    expect(new Set(updates.map(({ type }) => type)).size).toBe(updates.length)
  })

  test('of a task that has ended are its end', async () => {
    const handle = await client.submit(nap(1))
    await handle.result()
    const types: string[] = []
    for await (const { type } of client.task(handle.id).updates()) types.push(type)
    expect(types).toEqual(['completed'])
  })

  test('can be left', async () => {
    const handle = await client.submit({ ...nap(1), delayMs: 3_600_000 })
    for await (const { state } of handle.updates()) {
      expect(state).toBe('pending')
      break
    }
    await handle.cancel()
  })
})

test('tasks that match are listed to the last, and acted on together', async () => {
  const name = `listed-${crypto.randomUUID()}`
  await client.submitMany(Array.from({ length: 450 }, () => ({ ...nap(1), name, delayMs: 3_600_000 })))
  const ids = new Set<string>()
  for await (const task of client.tasks({ q: name })) ids.add(task.task_id)
  expect(ids.size).toBe(450)
  expect(await client.cancelMany({ q: name })).toBe(450)
  expect(await client.discardMany({ q: name })).toBe(450)
})

test('what the scheduler refuses is said with its code', async () => {
  expect(await codeOf(client.submit({ command: '' }))).toBe('invalid')
  await expect(client.submitMany([{ command: 'x', priority: 'URGENT' }])).rejects.toThrow(
    /^tasks\[0\]\.priority must/,
  )
  const keyed = { command: 'x', idempotencyKey: crypto.randomUUID() }
  const first = await client.submit(keyed)
  expect((await client.submit(keyed)).id).toBe(first.id)
  expect(await codeOf(client.submit({ ...keyed, command: 'y' }))).toBe('conflict')
  expect(await codeOf(client.task(first.id).runNow())).toBeString()
  expect(await codeOf(createClient({ url: 'http://127.0.0.1:1' }).submit({ command: 'x' }))).toBe(
    'unavailable',
  )
})

test('a scheduler that is away for a while is waited for', async () => {
  const other = await startScheduler()
  const own = createClient({ url: other.url })
  const handle = await own.submit(nap(1500))
  const awaited = handle.result({ timeoutMs: 30_000 })
  const types: string[] = []
  const followed = (async () => {
    for await (const { type } of handle.updates()) types.push(type)
  })()
  await waitFor(() => types.includes('started'), { what: 'its start' })
  await other.restart()
  await awaited
  await followed
  expect(types.at(-1)).toBe('completed')
  expect(new Set(types).size).toBe(types.length)
  own.close()
}, 60_000)

test('closing ends what is awaited', async () => {
  const own = createClient({ url: `http://127.0.0.1:${system.scheduler.port}` })
  const handle = await own.submit({ ...nap(1), delayMs: 3_600_000 })
  const awaited = codeOf(handle.result())
  const followed = codeOf(
    (async () => {
      for await (const _ of handle.updates());
    })(),
  )
  own.close()
  expect(await Promise.all([awaited, followed, codeOf(own.submit(nap(1)))])).toEqual([
    'closed',
    'closed',
    'closed',
  ])
})
