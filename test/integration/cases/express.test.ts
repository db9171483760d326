import { afterAll, beforeEach, expect, test } from 'bun:test'
import { credentials, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js'
import { createExpress, type Express } from '../../../src/scheduler/express/express.ts'
import { createLine } from '../../../src/scheduler/express/line.ts'
import { createTasks } from '../../../src/scheduler/tasks.ts'
import type { NewTask } from '../../../src/shared/core/task.ts'
import type { ExpressAnswer } from '../../../src/shared/rpc/gen/taskmaster/ExpressAnswer.ts'
import { Control } from '../../../src/shared/rpc/load.ts'
import { beatService } from '../../../src/shared/store/services.ts'
import { createTestDatabase } from '../../support/database.ts'
import { insert, newTask, statesInTable } from '../../support/store.ts'
import { type StreamWorker, startStreamWorker } from '../../support/stream-worker.ts'
import { waitFor } from '../../support/wait.ts'
import { calm, startStand } from '../coordinator/stand.ts'

const database = await createTestDatabase()
const { sql } = database
const LONG_MS = 600_000
const schedulerId = crypto.randomUUID()
await beatService(sql, { id: schedulerId, kind: 'scheduler', address: '' })
let lastId = 0
let workers: StreamWorker[] = []
let express: Express | null = null
let stand: Awaited<ReturnType<typeof startStand>>

beforeEach(async () => {
  await leave()
  await sql`TRUNCATE task_records, ready, held, levels, workers`
  stand = await startStand({}, database)
})
afterAll(() => leave())

async function leave() {
  express?.stop()
  for (const worker of workers) worker.stop()
  workers = []
  await stand?.stop()
}

async function start(count: number, more: { slots?: number; executors?: string[]; takesMs?: number } = {}) {
  for (let n = 0; n < count; n++) {
    const options = { id: ++lastId, coordinator: stand.address, takesMs: LONG_MS, ...more }
    workers.push(await startStreamWorker(options))
  }
}

/** The express path of a scheduler to this coordinator, which is ready to take tasks. */
async function connect(address = stand.address) {
  const line = createLine(address, schedulerId)
  express = createExpress(
    () => [address],
    () => line,
  )
  express.look()
  await waitFor(() => line.isOpen, { what: 'the stream to be open' })
  await calm(sql)
  return express
}

/** How many tasks went by the express path. */
async function countQuick() {
  const [row] = await sql<{ count: number }[]>`SELECT count(*) FROM tasks WHERE picked_at = created_at`
  return row?.count
}

const hand = (to: Express, count: number, more: Partial<NewTask> = {}) =>
  Promise.all(Array.from({ length: count }, () => to.hand(newTask(more))))

test('a task is in the hands of its worker when it is stored, and comes to its end', async () => {
  await start(1, { takesMs: 0 })
  const to = await connect()
  expect(await to.hand(newTask({ payload: { a: 1 } }))).toBe('stored')
  await waitFor(async () => (await statesInTable(sql)).completed === 1, { what: 'it to be done' })
  expect(await countQuick()).toBe(1)
  expect(workers[0]!.runs).toHaveLength(1)
})

test('tasks spread over the free slots of all workers, and what finds none is refused and claimed later', async () => {
  await start(3, { slots: 2 })
  const tasks = createTasks(sql, { stored() {} }, await connect())
  const submit = () => tasks.submit({ command: 'test' } as Parameters<typeof tasks.submit>[0])
  for (let n = 0; n < 8; n++) await submit()
  expect(await countQuick()).toBe(6)
  await waitFor(() => workers.every(({ runs }) => runs.length === 2), { what: 'each to have two' })
  await start(1, { slots: 2 })
  await waitFor(() => workers.at(-1)!.runs.length === 2, { what: 'the rest to be claimed' })
})

test('claims and the express path side by side run each task once', async () => {
  await start(4, { slots: 3, takesMs: 2 })
  const to = await connect()
  const outcomes: string[] = []
  for (let n = 0; n < 15; n++) {
    const [quick] = await Promise.all([
      hand(to, 4, { queue: 'quick' }),
      insert(sql, 3, { executor: 'simulate' }),
    ])
    outcomes.push(...quick)
  }
  const stored = outcomes.filter((outcome) => outcome === 'stored').length
  await waitFor(async () => (await statesInTable(sql)).completed === stored + 45, { what: 'all to be done' })
  expect(stored).toBeGreaterThan(0)
  const runs = workers.flatMap((worker) => worker.runs)
  expect(runs.map(({ taskId }) => taskId).sort()).toEqual(
    [...new Set(runs.map(({ taskId }) => taskId))].sort(),
  )
})

test('who is no scheduler by the table of services has no stream', async () => {
  const line = createLine(stand.address, crypto.randomUUID())
  const client = new Control(stand.address, credentials.createInsecure())
  const refused = Promise.withResolvers<{ code: number; details: string }>()
  const stream = client.Express()
  stream.on('data', () => refused.reject(new Error('it was let in')))
  stream.on('error', refused.resolve)
  expect(await refused.promise).toMatchObject({ code: 7, details: 'no scheduler has this id' })
  expect(line.isOpen).toBeFalse()
  client.close()
  line.close()
})

/** A coordinator that lets everybody in and answers as the test has it. */
async function startSilent(onTasks: (end: () => void, answer: (answer: ExpressAnswer) => void) => void) {
  const server = new Server()
  server.addService(Control.service, {
    GetHealth: (_: unknown, reply: (error: null, health: object) => void) => reply(null, {}),
    Express(stream: ServerDuplexStream<unknown, ExpressAnswer>) {
      stream.write({ sequence: 0 })
      stream.on('data', () =>
        onTasks(
          () => stream.end(),
          (answer) => stream.write(answer),
        ),
      )
      stream.on('error', () => {})
    },
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
  return { address: `127.0.0.1:${port}`, stop: () => server.forceShutdown() }
}

test.each([
  ['never answers', () => {}],
  ['ends the stream', (end: () => void) => end()],
  ['answers too little', (_: () => void, answer: (answer: ExpressAnswer) => void) => answer({ sequence: 1 })],
])('a task that is handed to a coordinator which %s is stored all the same, once', async (_, onTasks) => {
  const silent = await startSilent(onTasks)
  const tasks = createTasks(sql, { stored() {} }, await connect(silent.address))
  const { id } = await tasks.submit({ command: 'test' } as Parameters<typeof tasks.submit>[0])
  expect([...(await sql`SELECT id, state FROM tasks`)]).toEqual([{ id, state: 'pending' }])
  silent.stop()
})
