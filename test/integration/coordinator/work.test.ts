import { expect, test } from 'bun:test'
import { findTask } from '../../../src/shared/store/tasks.ts'
import { insert, statesInTable } from '../../support/store.ts'
import { waitFor } from '../../support/wait.ts'
import { openRaw, reportOf, startStand } from './stand.ts'

const stand = await startStand()
const { sql, address } = stand

/** Waits for the table to be so. */
const become = (states: Record<string, number>) =>
  waitFor(
    async () => Bun.deepEquals(await statesInTable(sql), states) || Promise.reject(await statesInTable(sql)),
    { what: `the table to be ${JSON.stringify(states)}` },
  )

async function fresh() {
  await sql`DELETE FROM tasks`
}

test('what is said before the hello is ignored, and so is a second hello', async () => {
  await fresh()
  const early = await openRaw(address)
  early.send({ heartbeat: { draining: false } })
  early.report(reportOf({ task_id: Bun.randomUUIDv7(), attempt: 1 }, 'COMPLETED'))
  early.send({})
  early.send({ hello: { worker_id: 4294967295, name: 'early', slots: 2 } })
  await waitFor(() => early.received.length > 0, { what: 'an answer' })
  expect(early.received).toMatchObject([{ welcome: { revoked: [] } }])
  early.send({ hello: { worker_id: 7, name: 'other', slots: 50 } })
  await insert(sql, 5)
  await early.given(2)
  expect(await sql`SELECT id, name FROM workers WHERE offline_at IS NULL`).toMatchObject([
    { id: 4294967295, name: 'early' },
  ])
  early.cut()
  await become({ pending: 5 })
})

test('reports that cannot be stored are acknowledged, and hinder neither the others nor the worker', async () => {
  await fresh()
  const worker = await openRaw(address, { slots: 100 })
  const ids = await insert(sql, 12)
  const tasks = [...(await worker.given(12))]
  const hostile = [
    { started_ago_ms: Number.NaN },
    { started_ago_ms: Number.POSITIVE_INFINITY },
    { ended_ago_ms: 1e300 },
    { slot: 4294967295 },
    { attempt: 4294967295 },
    { attempt: 0 },
    { task_id: "'; DROP TABLE tasks; --" },
    { task_id: '' },
    { output: '\0'.repeat(10) },
    { output: '\uD800 half a character' },
    { error: 'x'.repeat(1_000_000) },
  ]
  const items = hostile.map((more, n) => reportOf(tasks[n]!, 'COMPLETED', more))
  await worker.acknowledged(worker.report(...items, reportOf(tasks[11]!, 'COMPLETED', { output: 'fine' })))
  expect(await findTask(sql, tasks[11]!.task_id)).toMatchObject({ state: 'completed', output: 'fine' })
  expect(await findTask(sql, tasks[8]!.task_id)).toMatchObject({
    state: 'completed',
    output: '\uFFFD'.repeat(10),
  })
  const { error = '' } = (await findTask(sql, tasks[10]!.task_id)) ?? {}
  expect(error).toMatch(/^x{65000,65536}… \[truncated, 93\d{4} characters left out\]$/)

  await worker.acknowledged(worker.report(...tasks.map((task) => reportOf(task, 'COMPLETED'))))
  await become({ completed: ids.length })
  worker.cut()
})

test('a worker that comes back keeps what it holds; what never reached it goes back; the rest is revoked', async () => {
  await fresh()
  const before = await openRaw(address, { worker_id: 100, slots: 4 })
  await insert(sql, 4)
  const [kept, unstarted, never, over] = [...(await before.given(4))]
  await before.acknowledged(before.report(reportOf(over!, 'COMPLETED')))
  before.cut()
  const held = [
    { task_id: kept!.task_id, attempt: 1, started: true },
    { task_id: unstarted!.task_id, attempt: 1, started: false },
    { task_id: over!.task_id, attempt: 1, started: true },
    { task_id: never!.task_id, attempt: 7, started: true },
    { task_id: Bun.randomUUIDv7(), attempt: 1, started: true },
  ]
  const after = await openRaw(address, { worker_id: 100, slots: 4, held })
  const revoked = after.received[0]!.welcome!.revoked.map(({ task_id }) => task_id)
  expect(revoked.sort()).toEqual(
    held
      .slice(2)
      .map(({ task_id }) => task_id)
      .sort(),
  )
  // The task that never reached it comes again, as its next attempt.
  expect(await after.given(1)).toMatchObject([{ task_id: never!.task_id, attempt: 2 }])
  expect(await findTask(sql, kept!.task_id)).toMatchObject({ attempt: 1, workerId: 100 })
  await after.acknowledged(
    after.report(...[kept!, unstarted!, after.tasks[0]!].map((task) => reportOf(task, 'COMPLETED'))),
  )
  await become({ completed: 4 })
  after.cut()
})

test('a hello that was overtaken by a later one, here or elsewhere, changes nothing', async () => {
  await fresh()
  const elsewhere = await startStand({}, stand.database)
  const worker = await openRaw(address, { worker_id: 300, slots: 2, greeting: 2 })
  const ids = await insert(sql, 2)
  await worker.given(2)
  for (const late of [address, elsewhere.address]) {
    // It was on its way while the worker gave up waiting and went on: it offers nothing.
    const overtaken = await openRaw(late, { worker_id: 300, slots: 2, greeting: 1 })
    await waitFor(() => overtaken.isOver, { what: 'the late hello to be refused' })
    expect(overtaken.received).toEqual([])
  }
  for (const id of ids) expect(await findTask(sql, id)).toMatchObject({ state: 'assigned', attempt: 1 })
  await worker.acknowledged(worker.report(...worker.tasks.map((task) => reportOf(task, 'COMPLETED'))))
  await become({ completed: 2 })
  // A later one counts.
  const later = await openRaw(elsewhere.address, { worker_id: 300, slots: 2, greeting: 3 })
  expect(later.received).toMatchObject([{ welcome: { revoked: [] } }])
  later.cut()
  worker.cut()
  await elsewhere.stop()
})

test('of two streams of one worker the later counts, and the end of the earlier costs nothing', async () => {
  await fresh()
  const earlier = await openRaw(address, { worker_id: 200, slots: 1 })
  await insert(sql, 1)
  const [task] = await earlier.given(1)
  const held = [{ task_id: task!.task_id, attempt: 1, started: true }]
  const later = await openRaw(address, { worker_id: 200, slots: 1, held })
  await waitFor(() => earlier.isOver, { what: 'the earlier stream to be ended' })
  const other = await openRaw(address, { slots: 1 })
  const [lost] = await insert(sql, 1)
  await other.given(1)
  earlier.cut()
  other.cut()
  // When the time to come back is over for a worker that left after it, it is over for the earlier stream.
  await waitFor(async () => (await findTask(sql, lost!))?.state === 'pending', {
    what: 'the other to be lost',
  })
  expect(await findTask(sql, task!.task_id)).toMatchObject({ state: 'assigned', attempt: 1 })
  await later.acknowledged(later.report(reportOf(task!, 'COMPLETED')))
  await become({ completed: 1, assigned: 1 })
  later.cut()
})

test('many streams of one worker at the same moment end as one, and no task is lost', async () => {
  await fresh()
  const raws = await Promise.all(
    Array.from({ length: 10 }, () => openRaw(address, { worker_id: 300, slots: 3 })),
  )
  const live = () => raws.filter((raw) => !raw.isOver)
  await waitFor(() => live().length === 1, { what: 'one stream to remain' })
  await insert(sql, 3)
  await live()[0]!.given(3)
  live()[0]!.report(...live()[0]!.tasks.map((task) => reportOf(task, 'COMPLETED')))
  await become({ completed: 3 })
  for (const raw of raws) raw.cut()
})

test('the tasks of a stream that breaks go to others within a second; those of a goodbye at once', async () => {
  const moveTasks = async (goodbye: boolean) => {
    await fresh()
    const leaving = await openRaw(address, { slots: 2 })
    await insert(sql, 2)
    await leaving.given(2)
    const staying = await openRaw(address, { slots: 2 })
    const left = performance.now()
    if (goodbye) leaving.send({ heartbeat: { draining: true } })
    if (goodbye) leaving.end()
    else leaving.cut()
    const tasks = await staying.given(2)
    const tookMs = performance.now() - left
    expect(tasks.map(({ attempt }) => attempt)).toEqual([2, 2])
    staying.report(...tasks.map((task) => reportOf(task, 'COMPLETED')))
    await become({ completed: 2 })
    staying.cut()
    return tookMs
  }
  for (const goodbye of [false, true]) {
    // What else goes on in this machine is no fault of the coordinator: one of five must be as quick.
    const took: number[] = []
    const isQuick = (ms: number) => ms < (goodbye ? 300 : 1000)
    while (took.length < 5 && !took.some(isQuick)) took.push(await moveTasks(goodbye))
    expect(took).toSatisfy((all) => all.some(isQuick))
  }
})

test('a worker that drains is given nothing, may finish, and may change its mind', async () => {
  await fresh()
  const worker = await openRaw(address, { slots: 2 })
  worker.send({ heartbeat: { draining: true } })
  await waitFor(() => worker.received.some(({ beat }) => beat), { what: 'a beat' })
  const other = await openRaw(address, { slots: 1 })
  await insert(sql, 2)
  const [task] = await other.given(1)
  other.report(reportOf(task!, 'COMPLETED'))
  await other.given(2)
  expect(worker.tasks).toEqual([])
  worker.send({ heartbeat: { draining: false } })
  await insert(sql, 1)
  const [mine] = await worker.given(1)
  await worker.acknowledged(worker.report(reportOf(mine!, 'COMPLETED')))
  await become({ completed: 2, assigned: 1 })
  worker.cut()
  other.cut()
})

test('what is handed back is given again, here or elsewhere, uncharged', async () => {
  await fresh()
  const worker = await openRaw(address, { slots: 1 })
  const [id] = await insert(sql, 1)
  const [task] = await worker.given(1)
  await worker.acknowledged(worker.report(reportOf(task!, 'RETURNED')))
  const again = (await worker.given(2))[1]!
  expect(again).toMatchObject({ task_id: id!, attempt: 2 })
  // A late word of the first attempt changes nothing.
  await worker.acknowledged(worker.report(reportOf(task!, 'COMPLETED')))
  expect(await findTask(sql, id!)).toMatchObject({ state: 'assigned', attempt: 2, failures: 0 })
  await worker.acknowledged(worker.report(reportOf(again, 'COMPLETED')))
  await become({ completed: 1 })
  worker.cut()
})

test('a failed attempt is repeated while there are retries, and then the task has failed', async () => {
  await fresh()
  const quick = await startStand({ RETRY_BACKOFF: '10' }, stand.database)
  const worker = await openRaw(quick.address, { slots: 1 })
  const [id] = await insert(sql, 1, { maxRetries: 2 })
  for (const attempt of [1, 2, 3]) {
    const task = (await worker.given(attempt))[attempt - 1]!
    expect(task.attempt).toBe(attempt)
    await worker.acknowledged(worker.report(reportOf(task, 'FAILED', { error: `broke ${attempt}` })))
  }
  expect(await findTask(sql, id!)).toMatchObject({ state: 'failed', failures: 3, error: 'broke 3' })
  worker.cut()
  await quick.stop()
})

test('no place is lost, however often a worker comes back while its reports are written', async () => {
  await fresh()
  const identity = { worker_id: 400, slots: 5 }
  let held: { task_id: string; attempt: number; started: boolean }[] = []
  const inserted: string[] = []
  for (let round = 0; round < 20; round++) {
    const worker = await openRaw(address, { ...identity, held })
    const revoked = new Set(worker.received[0]!.welcome!.revoked.map(({ task_id }) => task_id))
    const kept = held.filter(({ task_id }) => !revoked.has(task_id))
    // What it still holds is reported again, and what it is given now ends as the stream breaks.
    if (kept.length > 0) worker.report(...kept.map((task) => reportOf(task, 'COMPLETED')))
    inserted.push(...(await insert(sql, 10)))
    await waitFor(() => worker.tasks.length > 0, { what: `a task in round ${round}` })
    worker.report(...worker.tasks.map((task) => reportOf(task, 'COMPLETED')))
    held = [...kept, ...worker.tasks.map(({ task_id, attempt }) => ({ task_id, attempt, started: true }))]
    worker.cut()
  }
  const last = await openRaw(address, { ...identity, held })
  last.report(...held.map((task) => reportOf(task, 'COMPLETED')))
  let done = 0
  await waitFor(
    async () => {
      const given = last.tasks.slice(done)
      done += given.length
      if (given.length > 0) last.report(...given.map((task) => reportOf(task, 'COMPLETED')))
      return (await statesInTable(sql)).completed === inserted.length
    },
    { what: 'all tasks to be completed' },
  )
  // Its five slots are all there: five tasks that do not end are given at once, and no sixth.
  await insert(sql, 6)
  await last.given(done + 5)
  last.cut()
})

test('nothing of all this was an error of ours', () => {
  expect(stand.logged.filter(({ level }) => level === 'fatal')).toEqual([])
  const errors = stand.logged.filter(({ level }) => level === 'error').map(({ msg }) => msg)
  expect(errors).toEqual([])
})
