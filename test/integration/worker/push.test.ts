import { afterAll, beforeEach, expect, test } from 'bun:test'
import { Server, ServerCredentials, status } from '@grpc/grpc-js'
import pino from 'pino'
import type { UpdateTaskStatusRequest__Output } from '../../../src/shared/rpc/gen/grpcapi/UpdateTaskStatusRequest.ts'
import { readConfig } from '../../../src/worker/config.ts'
import type { CoordinatorLink } from '../../../src/worker/links/link.ts'
import { openPushLink } from '../../../src/worker/links/push.ts'
import { createPool } from '../../../src/worker/pool.ts'
import { createReporter } from '../../../src/worker/reporter.ts'
import { CoordinatorService } from '../../support/documented.ts'
import { slotSettings } from '../../support/slot-settings.ts'
import { waitFor } from '../../support/wait.ts'

// A coordinator that knows the documented calls, and answers a status when the test says so.

interface Asked {
  taskId: string
  status: string
  answer(): void
  refuse(): void
}
let asked: Asked[] = []
let beats = 0
/** Ids of the workers that have beaten. */
const beaters = new Set<number>()
const links: CoordinatorLink[] = []

const server = new Server()
server.addService(CoordinatorService.service, {
  SendHeartbeat(
    { request }: { request: { workerId: number } },
    callback: (error: null, response: object) => void,
  ) {
    beats++
    beaters.add(request.workerId)
    callback(null, { acknowledged: true })
  },
  UpdateTaskStatus(
    { request }: { request: UpdateTaskStatusRequest__Output },
    callback: (error: object | null, response?: object) => void,
  ) {
    asked.push({
      taskId: request.task_id,
      status: request.status,
      answer: () => callback(null, { success: true }),
      refuse: () => callback({ code: status.UNAVAILABLE, details: 'not now' }),
    })
  },
})
const port = await new Promise<number>((resolve, reject) => {
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
    error ? reject(error) : resolve(bound),
  )
})
const address = `127.0.0.1:${port}`
const config = readConfig(
  { COORDINATOR_ADDRESS: address, HEARTBEAT_INTERVAL: '20', MAX_HEARTBEAT_MISSES: '1000' },
  [],
)
const pool = createPool({ slots: 1, settings: slotSettings({ processTimeMs: 0 }), onReport: () => {} })
const log = pino({ level: 'silent' })

beforeEach(() => {
  asked = []
})
afterAll(() => {
  for (const link of links) link.close()
  pool.stop()
  server.forceShutdown()
})

async function connect(reporter = createReporter(), isDraining = () => false, own = config) {
  const link = await openPushLink({ address, config: own, hostname: 'host', pool, reporter, log, isDraining })
  links.push(link)
  return { link, reporter }
}

const report = (taskId: string, kind: 'started' | 'completed' = 'completed') => ({
  ...{ taskId, attempt: 0, kind, slot: 0, error: null, output: null },
  ...{ startedAt: performance.now(), endedAt: kind === 'started' ? null : performance.now() },
})

const statusOf = (taskId: string, status: string) =>
  waitFor(() => asked.find((one) => one.taskId === taskId && one.status === status), {
    what: `${status} of ${taskId}`,
  })

/** Reports an end and answers its start, so that the call that tells of the end waits for its answer. */
async function end(reporter: ReturnType<typeof createReporter>, taskId: string): Promise<Asked> {
  reporter.add(report(taskId))
  const started = await statusOf(taskId, 'STARTED')
  started.answer()
  return await statusOf(taskId, 'COMPLETE')
}

async function answerAll(taskId: string) {
  for (const status of ['STARTED', 'COMPLETE']) (await statusOf(taskId, status)).answer()
}

/** Waits until the worker has seen an answer that was given before: it has since answered for itself twice. */
async function seen() {
  const before = beats
  await waitFor(() => beats >= before + 2, { what: 'two heartbeats' })
}

const left = (reporter: ReturnType<typeof createReporter>) =>
  reporter.unacknowledged().map(({ taskId }) => taskId)

test('a report counts as taken when it was answered, not when a later one was', async () => {
  const { reporter } = await connect()
  const first = await end(reporter, 'a')
  const second = await end(reporter, 'b')
  second.answer()
  await seen()
  const flushed = reporter.flushed()
  expect(left(reporter)).toEqual(['a', 'b'])
  first.answer()
  await flushed
  expect(left(reporter)).toEqual([])
})

test('what was refused is offered to the next coordinator, although a later report was taken', async () => {
  const { link, reporter } = await connect()
  const first = await end(reporter, 'a')
  const second = await end(reporter, 'b')
  second.answer()
  await seen()
  first.refuse()
  await link.lost
  expect(left(reporter)).toContain('a')

  asked = []
  await connect(reporter)
  for (const taskId of left(reporter)) await answerAll(taskId)
  await reporter.flushed()
})

test('an answer that comes after its link was lost acknowledges nothing on the next', async () => {
  const { link, reporter } = await connect()
  const first = await end(reporter, 'a')
  const second = await end(reporter, 'b')
  first.refuse()
  await link.lost
  asked = []
  await connect(reporter)
  await statusOf('a', 'STARTED')
  second.answer()
  await seen()
  for (const taskId of ['a', 'b']) {
    ;(await statusOf(taskId, 'STARTED')).answer()
    await statusOf(taskId, 'COMPLETE')
  }
  expect(left(reporter)).toEqual(['a', 'b'])
  for (const one of asked) if (one.status === 'COMPLETE') one.answer()
  await reporter.flushed()
})

test('the next link is not given up when a call of the one before fails at last', async () => {
  const { link, reporter } = await connect()
  const first = await end(reporter, 'a')
  const second = await end(reporter, 'b')
  first.refuse()
  await link.lost
  asked = []
  await connect(reporter)
  second.refuse()
  for (const taskId of ['a', 'b', 'c']) {
    if (taskId === 'c') reporter.add(report('c'))
    await answerAll(taskId)
  }
  await reporter.flushed()
})

test('the start of a task is told before its end, and once', async () => {
  const { reporter } = await connect()
  reporter.add(report('a', 'started'))
  const started = await statusOf('a', 'STARTED')
  reporter.add(report('a'))
  await end(reporter, 'b')
  expect(asked.filter(({ taskId }) => taskId === 'a').map((one) => one.status)).toEqual(['STARTED'])
  started.answer()
  ;(await statusOf('a', 'COMPLETE')).answer()
  ;(await statusOf('b', 'COMPLETE')).answer()
  await reporter.flushed()
  expect(asked.filter(({ taskId }) => taskId === 'a').map((one) => one.status)).toEqual([
    'STARTED',
    'COMPLETE',
  ])
})

test('a worker that drains when it connects says nothing of itself, and reports what it still runs', async () => {
  const own = { ...config, id: config.id + 1 }
  const { reporter } = await connect(createReporter(), () => true, own)
  const last = await end(reporter, 'drained')
  last.answer()
  await reporter.flushed()
  await seen()
  expect([...beaters]).toEqual([config.id])
})
