import { afterAll, beforeEach, expect, test } from 'bun:test'
import pino from 'pino'
import { createSettler } from '../../../src/coordinator/settler.ts'
import { createTroubles } from '../../../src/shared/runtime/troubles.ts'
import { connect } from '../../../src/shared/store/connect.ts'
import type { WorkerReport } from '../../../src/shared/store/dispatch.ts'
import { findTask } from '../../../src/shared/store/tasks.ts'
import { createTransactions } from '../../../src/shared/store/transactions.ts'
import { createTestDatabase } from '../../support/database.ts'
import { claim, hold, insert, reset, statesInTable } from '../../support/store.ts'
import { waitFor } from '../../support/wait.ts'

const { sql, settings } = await createTestDatabase()
beforeEach(() => reset(sql))
/** Gives a statement up soon, as a database does that cannot answer. */
const impatient = connect({ ...settings, statementTimeoutMs: 100, poolMax: 2 })
const transactions = createTransactions(sql, () => connect({ ...settings, poolMax: 1 }), 5000)
afterAll(() => Promise.all([impatient.end({ timeout: 1 }), transactions.end()]))

function start(using = sql) {
  const troubles = createTroubles()
  /** Of tries that failed. */
  const seen = { tries: 0 }
  const logged: { level: number; msg: string }[] = []
  const settled: WorkerReport[] = []
  const settler = createSettler({
    sql: using,
    transactions,
    troubles: {
      ...troubles,
      raise(key, details) {
        seen.tries++
        troubles.raise(key, details)
      },
    },
    log: pino({ level: 'info' }, { write: (line: string) => logged.push(JSON.parse(line)) }),
    retryBackoff: { baseMs: 0, capMs: 0 },
    onSettled: (reports) => settled.push(...reports),
  })
  return { settler, logged, settled, troubles, seen }
}

const report = (
  { taskId, attempt, workerId }: Pick<WorkerReport, 'taskId' | 'attempt' | 'workerId'>,
  kind: WorkerReport['kind'],
  more: Partial<WorkerReport> = {},
): WorkerReport => ({
  ...{ taskId, attempt, workerId, kind, slot: 0, error: null, output: null },
  ...{ startedAt: performance.now(), endedAt: kind === 'started' ? null : performance.now() },
  ...more,
})

/** Runs something while nobody else can write tasks. */
async function locked(during: () => Promise<void>): Promise<void> {
  const other = connect({ ...settings, poolMax: 1 })
  await other.begin(async (tx) => {
    await tx`LOCK TABLE tasks IN EXCLUSIVE MODE`
    await during()
  })
  await other.end()
}

test('reports are committed when it says so', async () => {
  const { settler, settled } = start()
  const task = await hold(sql)
  await settler.settle([report(task, 'started')])
  expect(await statesInTable(sql)).toEqual({ running: 1 })
  await settler.settle([report(task, 'completed')])
  expect(await statesInTable(sql)).toEqual({ completed: 1 })
  expect(settled.map(({ kind }) => kind)).toEqual(['started', 'completed'])
})

test('one write records starts, ends, retries and what comes back', async () => {
  const { settler } = start()
  await insert(sql, 4, { maxRetries: 1 })
  const [a, b, c, d] = await claim(sql, 4)
  await settler.settle([
    report(a!, 'started'),
    report(b!, 'started'),
    report(b!, 'completed'),
    report(c!, 'failed', { error: 'once' }),
    report(d!, 'returned', { startedAt: null, endedAt: null }),
  ])
  expect(await findTask(sql, a!.taskId)).toMatchObject({ state: 'running' })
  expect(await findTask(sql, b!.taskId)).toMatchObject({ state: 'completed' })
  expect(await findTask(sql, c!.taskId)).toMatchObject({ state: 'pending', failures: 1, error: 'once' })
  expect(await findTask(sql, d!.taskId)).toMatchObject({ state: 'pending', failures: 0 })
})

test('a failure is charged once, although its report is written again after a write that did not end well', async () => {
  const { settler, seen, troubles } = start(impatient)
  await insert(sql, 2, { maxRetries: 5 })
  const [failing, fine] = await claim(sql, 2)
  let settling: Promise<void> | undefined
  await locked(async () => {
    settling = settler.settle([report(failing!, 'failed'), report(fine!, 'completed')])
    await waitFor(() => seen.tries >= 2, { what: 'two tries' })
    expect(troubles.list()).toMatchObject([{ key: 'reports', code: '57014', waiting: 2 }])
  })
  await settling
  expect(await findTask(sql, failing!.taskId)).toMatchObject({ state: 'pending', failures: 1 })
  expect(await findTask(sql, fine!.taskId)).toMatchObject({ state: 'completed' })
  expect(troubles.list()).toEqual([])
})

test('what comes while the database does not answer is all written when it does, in order', async () => {
  const { settler, seen, settled } = start(impatient)
  await insert(sql, 50)
  const tasks = await claim(sql, 50)
  const settling: Promise<void>[] = []
  await locked(async () => {
    for (const task of tasks) settling.push(settler.settle([report(task, 'started')]))
    for (const task of tasks) settling.push(settler.settle([report(task, 'completed')]))
    await waitFor(() => seen.tries >= 1, { what: 'a try' })
  })
  await Promise.all(settling)
  expect(await statesInTable(sql)).toEqual({ completed: 50 })
  expect(settled.filter(({ kind }) => kind === 'completed')).toHaveLength(50)
})

test('a report of an attempt that there cannot be is nothing to keep', async () => {
  const { settler, troubles } = start()
  const task = await hold(sql)
  await settler.settle([
    report({ ...task, taskId: 'no id' }, 'completed'),
    report(task, 'completed', { slot: 1e6 }),
  ])
  expect(await statesInTable(sql)).toEqual({ completed: 1 })
  expect(troubles.list()).toEqual([])
})

test('after stop reports are refused, so that no worker takes them for stored', async () => {
  const { settler, seen } = start(impatient)
  const task = await hold(sql)
  let settling: Promise<unknown> | undefined
  let stopping: Promise<void> | undefined
  await locked(async () => {
    settling = settler.settle([report(task, 'completed')]).catch((error) => error)
    await waitFor(() => seen.tries >= 1, { what: 'a try' })
    stopping = settler.stop()
    await stopping
  })
  expect(await settling).toBeInstanceOf(Error)
  await expect(settler.settle([report(task, 'completed')])).rejects.toMatchObject({ code: 'unavailable' })
  expect(await statesInTable(sql)).toEqual({ assigned: 1 })
})
