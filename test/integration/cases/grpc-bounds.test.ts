import { afterAll, expect, test } from 'bun:test'
import { compressionAlgorithms, credentials, type ServiceError, status } from '@grpc/grpc-js'
import { HELLO_LIMITS } from '../../../src/coordinator/hello.ts'
import { REPORTS_LIMITS } from '../../../src/coordinator/reports.ts'
import { MAX_CALLS_PER_CONNECTION, MAX_MESSAGE_BYTES } from '../../../src/shared/rpc/server.ts'
import { connect } from '../../../src/shared/store/connect.ts'
import { documentedClient } from '../../support/client.ts'
import { CoordinatorService } from '../../support/documented.ts'
import { insert, reset, statesInTable } from '../../support/store.ts'
import { waitFor } from '../../support/wait.ts'
import { openRaw, reportOf, startStand } from '../coordinator/stand.ts'

const { address, sql, database } = await startStand()
const clients: { close(): void }[] = []
afterAll(() => {
  for (const client of clients) client.close()
})

async function submitBy(options: object, data: string): Promise<Pick<ServiceError, 'code' | 'details'>> {
  const client = new CoordinatorService(address, credentials.createInsecure(), options)
  clients.push(client)
  return await new Promise((resolve, reject) => {
    client.SubmitTask({ data }, { deadline: Date.now() + 10_000 }, (error) =>
      error ? resolve(error) : reject(new Error('it was taken')),
    )
  })
}

test.each(['gzip', 'deflate'] as const)('messages compressed by %s are refused unread', async (name) => {
  const algorithm = compressionAlgorithms[name]
  expect(
    await submitBy({ 'grpc.default_compression_algorithm': algorithm }, 'x'.repeat(1_000_000)),
  ).toMatchObject({
    code: status.UNIMPLEMENTED,
    details: `messages compressed by ${name} are not accepted: send them as they are`,
  })
})

test('a message larger than the limit is refused', async () => {
  expect(await submitBy({ 'grpc.max_send_message_length': -1 }, 'x'.repeat(MAX_MESSAGE_BYTES))).toMatchObject(
    {
      code: status.RESOURCE_EXHAUSTED,
    },
  )
})

const long = 'x'.repeat(256)
const many = (count: number) => Array.from({ length: count }, (_, n) => `w${n}`)
test.each([
  ['name', { name: long }],
  ['hostname', { hostname: long }],
  ['address', { address: long }],
  ['name', { name: 'a\0b' }],
  ['labels', { labels: [long] }],
  ['labels', { labels: many(HELLO_LIMITS.labels + 1) }],
  ['executors', { executors: [long] }],
  ['executors', { executors: many(HELLO_LIMITS.executors + 1) }],
  ['held', { held: Array.from({ length: HELLO_LIMITS.held + 1 }, () => ({ task_id: 'x', attempt: 1 })) }],
])('a registration whose %s is beyond its bounds is refused by name', async (field, hello) => {
  const raw = await openRaw(address, hello)
  await waitFor(() => raw.failure, { what: 'the refusal' })
  expect(raw.failure).toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: expect.stringMatching(new RegExp(`^${field} must`)),
  })
  expect(await documentedClient(address).listWorkers()).toEqual([])
})

test('a registration with as many held tasks as are allowed is taken at once, and none of them is its own', async () => {
  const held = Array.from({ length: HELLO_LIMITS.held }, () => ({ task_id: crypto.randomUUID(), attempt: 1 }))
  const raw = await openRaw(address, { held, slots: 4_000_000_000, pid: 4_000_000_000 })
  expect(raw.received[0]?.welcome?.revoked).toHaveLength(HELLO_LIMITS.held)
  raw.cut()
})

test.each(['items', 'logs', 'progress'] as const)(
  'a message of reports with too many %s is refused',
  async (field) => {
    const raw = await openRaw(address, {})
    const one = { task_id: crypto.randomUUID(), attempt: 1 }
    raw.send({
      reports: { sequence: 1, [field]: Array.from({ length: REPORTS_LIMITS[field] + 1 }, () => one) },
    })
    await waitFor(() => raw.failure, { what: 'the refusal' })
    expect(raw.failure).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: expect.stringContaining(field),
    })
  },
)

test('reports of what the worker does not hold are left out, and the others of their message are kept', async () => {
  await reset(sql)
  const other = await openRaw(address, { slots: 1 })
  await insert(sql, 1)
  const [theirs] = await other.given(1)
  const raw = await openRaw(address, { slots: 1 })
  await insert(sql, 1)
  const [mine] = await raw.given(1)
  const bad = [
    { ...mine!, task_id: 'no uuid' },
    { ...mine!, task_id: '' },
    { ...mine!, task_id: crypto.randomUUID() },
    { ...mine!, attempt: mine!.attempt + 1 },
    theirs!,
  ].map((task) => reportOf(task, 'FAILED', { error: 'a lie' }))
  await raw.acknowledged(raw.report(...bad, reportOf(mine!, 'COMPLETED'), ...bad))
  expect(await statesInTable(sql)).toEqual({ assigned: 1, completed: 1 })
  for (const one of [raw, other]) one.cut()
})

test('values that no column holds harm nobody: the report counts', async () => {
  await reset(sql)
  const raw = await openRaw(address, { slots: 1 })
  await insert(sql, 1)
  const [task] = await raw.given(1)
  const wild = { slot: 4_000_000_000, started_ago_ms: 1e300, ended_ago_ms: Number.POSITIVE_INFINITY }
  const line = { seq: 4_000_000_000, ago_ms: 1e300, text: 'x' }
  raw.send({
    reports: {
      sequence: 1,
      items: [reportOf(task!, 'COMPLETED', wild)],
      logs: [{ ...task!, lines: [line, { ...line, seq: 1 }] }],
      progress: [{ ...task!, value: Number.NaN }],
    },
  })
  await raw.acknowledged(1)
  expect(await statesInTable(sql)).toEqual({ completed: 1 })
  expect([...(await sql`SELECT seq, text FROM task_logs WHERE task_id = ${task!.task_id}`)]).toEqual([
    { seq: 1, text: 'x' },
  ])
  raw.cut()
})

test('reports of what the worker does not hold cost no statement: they are taken while the tables are locked', async () => {
  const raw = await openRaw(address, {})
  const about = { task_id: crypto.randomUUID(), attempt: 1 }
  const other = connect({ ...database.settings, poolMax: 1 })
  await other.begin(async (tx) => {
    await tx`LOCK TABLE tasks, task_logs IN ACCESS EXCLUSIVE MODE`
    raw.send({
      reports: {
        sequence: 1,
        items: [reportOf(about, 'COMPLETED'), reportOf({ ...about, task_id: 'bad' }, 'FAILED')],
        logs: [{ ...about, lines: [{ seq: 1, text: 'x' }] }],
        progress: [{ ...about, value: 0.5 }],
      },
    })
    await raw.acknowledged(1)
  })
  await other.end()
  raw.cut()
})

test('a flood of reports with bad ids does not delay an honest outcome', async () => {
  await reset(sql)
  const honest = await openRaw(address, { slots: 1 })
  await insert(sql, 1)
  const [task] = await honest.given(1)
  const liar = await openRaw(address, { slots: 1 })
  const items = Array.from({ length: REPORTS_LIMITS.items }, (_, n) =>
    reportOf({ task_id: n % 2 ? crypto.randomUUID() : `bad ${n}`, attempt: 1 }, 'COMPLETED'),
  )
  let last = 0
  for (let message = 0; message < 50; message++) last = liar.report(...items)
  const startedAt = performance.now()
  await honest.acknowledged(honest.report(reportOf(task!, 'COMPLETED')))
  const tookMs = performance.now() - startedAt
  expect(await statesInTable(sql)).toEqual({ completed: 1 })
  await liar.acknowledged(last)
  console.log(`an honest outcome beside 100,000 reports with bad ids took ${tookMs.toFixed(0)} ms`)
  expect(tookMs).toBeLessThan(8000)
  for (const one of [honest, liar]) one.cut()
})

test('what a worker reported before it came back counts, and so does what it then reports again', async () => {
  await reset(sql)
  const identity = { worker_id: 900, slots: 3 }
  const before = await openRaw(address, identity)
  await insert(sql, 3)
  const tasks = await before.given(3)
  const [written, unwritten, running] = tasks as [(typeof tasks)[0], (typeof tasks)[0], (typeof tasks)[0]]
  const other = connect({ ...database.settings, poolMax: 1 })
  const after = await other.begin(async (tx) => {
    // The settlement of the first waits for a lock while the worker comes back with all three.
    await tx`SELECT FROM task_records WHERE id = ${written.task_id} FOR UPDATE`
    before.report(reportOf(written, 'COMPLETED'))
    await waitFor(
      async () =>
        (
          await sql`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`
        ).length > 0,
      { what: 'the write to wait' },
    )
    before.cut()
    const held = tasks.map(({ task_id, attempt }) => ({ task_id, attempt, started: true }))
    return await openRaw(address, { ...identity, held })
  })
  await other.end()
  await after.acknowledged(after.report(reportOf(written, 'COMPLETED'), reportOf(unwritten, 'FAILED')))
  await after.acknowledged(after.report(reportOf(running, 'COMPLETED')))
  expect(await statesInTable(sql)).toEqual({ completed: 2, failed: 1 })
  expect([...(await sql`SELECT attempt FROM tasks GROUP BY attempt`)]).toEqual([{ attempt: 1 }])
  after.cut()
})

test('more calls at once than one connection may have wait at the caller, and all are answered', async () => {
  const client = documentedClient(address)
  const lists = await Promise.all(
    Array.from({ length: 2 * MAX_CALLS_PER_CONNECTION }, () => client.listWorkers()),
  )
  expect(lists).toHaveLength(2 * MAX_CALLS_PER_CONNECTION)
})
