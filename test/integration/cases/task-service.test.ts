import { afterAll, expect, test } from 'bun:test'
import { ServerCredentials, status } from '@grpc/grpc-js'
import pino from 'pino'
import { createCallLimit } from '../../../src/coordinator/call-limit.ts'
import { createTaskService, type FollowedTask } from '../../../src/coordinator/task-service.ts'
import { createTaskWatch } from '../../../src/coordinator/task-watch.ts'
import { createUnary } from '../../../src/coordinator/unary.ts'
import { TaskService } from '../../../src/shared/rpc/load.ts'
import { createGrpcServer } from '../../../src/shared/rpc/server.ts'
import { findTask } from '../../../src/shared/store/tasks.ts'
import { failureOf } from '../../support/client.ts'
import { taskClient } from '../../support/task-client.ts'
import { waitFor } from '../../support/wait.ts'
import { openRaw, reportOf, startStand } from '../coordinator/stand.ts'

const { address, sql } = await startStand()
const client = taskClient(address)
const tasks = () => sql<{ count: number }[]>`SELECT count(*) AS count FROM tasks`

test('a task is stored as it was asked for, and its client may ask by either id', async () => {
  const given = { id: 'mine-1', name: 'n', description: 'd', command: 'echo hi', priority: 2 }
  const submitted = await client.submit(given)
  expect(submitted).toEqual({
    task_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    success: true,
    message: 'Task submitted successfully',
  })
  expect(await findTask(sql, submitted.task_id)).toMatchObject({
    ...{ name: 'n', description: 'd', command: 'echo hi', priority: 2, executor: 'simulate' },
    state: 'pending',
  })
  for (const id of ['mine-1', submitted.task_id]) {
    expect(await client.status(id)).toEqual({ task_id: submitted.task_id, status: 'PENDING' })
  }
})

test('what is submitted again under its id is the same task, and something else under it is refused', async () => {
  const [first, again] = [
    await client.submit({ id: 'mine-2', command: 'a' }),
    await client.submit({ id: 'mine-2', command: 'a' }),
  ]
  expect(again.task_id).toBe(first.task_id)
  expect(await failureOf(client.submit({ id: 'mine-2', command: 'b' }))).toEqual({
    code: status.FAILED_PRECONDITION,
    details: 'another request was made under the same idempotency_key',
  })
  const others = [await client.submit({ command: 'a' }), await client.submit({ command: 'a' })]
  expect(new Set(others.map(({ task_id }) => task_id)).size).toBe(2)
})

test.each([
  ['command is required', { command: '' }],
  ['command must be at most 65536 characters', { command: 'x'.repeat(65_537) }],
  ['name must be at most 255 characters', { command: 'x', name: 'x'.repeat(256) }],
  ['description must be at most 10000 characters', { command: 'x', description: 'x'.repeat(10_001) }],
  ['id must be at most 255 characters', { command: 'x', id: 'x'.repeat(256) }],
  ['name must not contain NUL characters or unpaired surrogates', { command: 'x', name: 'a\0' }],
  [
    'priority must be LOW, MEDIUM, HIGH, CRITICAL or a whole number from -32768 to 32767',
    { command: 'x', priority: 32_768 },
  ],
])('a submission is refused by the field that is wrong: %s', async (details, request) => {
  const before = await tasks()
  expect(await failureOf(client.submit(request))).toEqual({ code: status.INVALID_ARGUMENT, details })
  expect([...(await tasks())]).toEqual([...before])
})

test('a task that is not there is not found, and an id is required', async () => {
  for (const id of [crypto.randomUUID(), 'nobody’s']) {
    const missing = { code: status.NOT_FOUND, details: 'Task not found' }
    expect(await failureOf(client.status(id))).toEqual(missing)
    expect(await client.follow(id).ended).toEqual(missing)
  }
  const required = { code: status.INVALID_ARGUMENT, details: 'task_id is required' }
  expect(await failureOf(client.status(''))).toEqual(required)
  expect(await client.follow('').ended).toEqual(required)
})

test('a stream tells each step of its task and ends with it; of one that has ended it tells the end', async () => {
  await sql`TRUNCATE task_records, ready, held, levels, idempotency_keys`
  const { task_id } = await client.submit({ id: 'followed', command: 'x' })
  const followed = client.follow('followed')
  const upTo = (status: string) =>
    waitFor(() => followed.updates.at(-1)?.status === status, { what: `an update that says ${status}` })
  await upTo('PENDING')
  const raw = await openRaw(address, { slots: 1 })
  const [task] = await raw.given(1)
  await upTo('ASSIGNED')
  raw.report(reportOf(task!, 'STARTED'))
  await upTo('RUNNING')
  raw.report(reportOf(task!, 'COMPLETED'))
  expect(await followed.ended).toBeNull()
  const steps = ['PENDING', 'ASSIGNED', 'RUNNING', 'COMPLETED'].map((status) => ({ task_id, status }))
  expect(followed.updates).toEqual(steps)
  const late = client.follow(task_id)
  expect(await late.ended).toBeNull()
  expect(late.updates).toEqual(steps.slice(-1))
  raw.cut()
})

test('the stream of a task that is deleted ends', async () => {
  const { task_id } = await client.submit({ command: 'x' })
  const followed = client.follow(task_id)
  await waitFor(() => followed.updates.length === 1, { what: 'the first update' })
  await sql`DELETE FROM tasks WHERE id = ${task_id}`
  expect(await followed.ended).toEqual({ code: status.NOT_FOUND, details: 'Task not found' })
})

const server = createGrpcServer()
const log = pino({ level: 'silent' })
const submitted = Promise.withResolvers<string>()
const pending: FollowedTask = { id: 'x', state: 'pending', attempt: 0, error: null, output: null }
server.addService(
  TaskService.service,
  createTaskService({
    log,
    unary: createUnary(log, createCallLimit({ total: 1, perAddress: 1 })),
    limit: createCallLimit({ total: 1, perAddress: 1 }),
    submit: () => submitted.promise,
    findByKey: () => Promise.resolve('x'),
    find: () => Promise.resolve(pending),
    watch: createTaskWatch(async () => [pending]),
    streamMs: 100,
  }),
)
const port = await new Promise<number>((resolve, reject) => {
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
    error ? reject(error) : resolve(bound),
  )
})
afterAll(() => server.forceShutdown())

test('streams are counted, each ends in time, and then there is room for another', async () => {
  const bounded = taskClient(`127.0.0.1:${port}`)
  const first = bounded.follow('x')
  await waitFor(() => first.updates.length === 1, { what: 'the first update' })
  expect(await bounded.follow('x').ended).toEqual({
    code: status.RESOURCE_EXHAUSTED,
    details: 'too many streams of updates are open',
  })
  const late = { code: status.UNAVAILABLE, details: 'a stream of updates ends after 100 ms; ask again' }
  expect(await first.ended).toEqual(late)
  expect(await bounded.follow('x').ended).toEqual(late)
})

test('calls are counted: one too many is refused, and has its place when another has ended', async () => {
  const bounded = taskClient(`127.0.0.1:${port}`)
  const first = bounded.submit({ command: 'x' })
  const refused = await waitFor(
    () =>
      bounded.status('x').then(
        () => null, // the first is not there yet
        (error) => ({ code: error.code, details: error.details }),
      ),
    { what: 'a call to be refused' },
  )
  expect(refused).toEqual({ code: status.RESOURCE_EXHAUSTED, details: 'too many calls are open' })
  submitted.resolve('x')
  expect(await first).toMatchObject({ task_id: 'x' })
  expect(await bounded.status('x')).toEqual({ task_id: 'x', status: 'PENDING' })
})
