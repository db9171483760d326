import { beforeEach, expect, test } from 'bun:test'
import type { ChangeNotice } from '../../../src/shared/store/channel.ts'
import { DUE_CHANNEL, EVENTS_CHANNEL, listen, notifyEvent } from '../../../src/shared/store/channel.ts'
import { retryTasks, returnTasks, settleTasks } from '../../../src/shared/store/dispatch.ts'
import { tell } from '../../../src/shared/store/notices.ts'
import { insertTasks } from '../../../src/shared/store/tasks.ts'
import { loseSessions, renewLeases } from '../../../src/shared/store/workers.ts'
import { createTestDatabase } from '../../support/database.ts'
import { claim, decided, hold, insert, NOW, newTask, register, reportOf, reset } from '../../support/store.ts'
import { waitFor } from '../../support/wait.ts'

const MAX_LOSSES = 5

const BACKOFF = { baseMs: 1000, capMs: 10_000 }

const database = await createTestDatabase()
const { sql } = database
beforeEach(() => reset(sql))

const heard: { channel: string; payload: string }[] = []
for (const channel of [DUE_CHANNEL, EVENTS_CHANNEL]) {
  await listen(
    sql,
    channel,
    (payload) => heard.push({ channel, payload }),
    () => {},
  )
}

/** All that has been heard until now, and is forgotten: notices come in the order of the commits. */
async function takeHeard() {
  const isHeard = (channel: string) => () =>
    heard.some((one) => one.channel === channel && one.payload === 'end')
  // What was told before goes with it, or went earlier.
  tell(sql, [EVENTS_CHANNEL, 'end'])
  await waitFor(isHeard(EVENTS_CHANNEL), { what: 'the last event' })
  await sql`SELECT pg_notify(${DUE_CHANNEL}, 'end')`
  await waitFor(isHeard(DUE_CHANNEL), { what: 'the last notice' })
  return heard.splice(0).filter(({ payload }) => payload !== 'end')
}

/** What is heard of what `run` does. */
async function during(run: () => Promise<unknown>) {
  await takeHeard()
  await run()
  const news = await takeHeard()
  const on = (channel: string) => news.filter((one) => one.channel === channel).map(({ payload }) => payload)
  return {
    payloads: news.map(({ payload }) => payload),
    due: on(DUE_CHANNEL).map(Number),
    events: on(EVENTS_CHANNEL).map((payload) => JSON.parse(payload) as ChangeNotice),
  }
}

const summary = (events: ChangeNotice[]) => events.map(({ type, count }) => `${count} ${type}`)

test('an insert says how many there are and when the first of them is due', async () => {
  const tasks = [120_000, 60_000, 180_000].map((ms) => newTask({ scheduledAt: new Date(Date.now() + ms) }))
  const { due, events } = await during(() => insertTasks(sql, tasks))
  expect(due).toHaveLength(1)
  expect(due[0]).toBeWithin(30_000, 60_002)
  expect(summary(events)).toEqual(['3 scheduled'])
  expect(events[0]!.rows.map(([id]) => id).sort()).toEqual(tasks.map(({ id }) => id).sort())
  expect(Math.abs(events[0]!.at - Date.now())).toBeLessThan(30_000)
})

test('what is overdue when it is inserted says so', async () => {
  const { due } = await during(() => insert(sql, 1, { scheduledAt: new Date(Date.now() - 60_000) }))
  expect(due[0]).toBeLessThan(-30_000)
})

test('each step of a task is told, with its worker, slot and run time', async () => {
  const [id] = await insert(sql, 1)
  const claimed = await during(() => claim(sql, 1, 9))
  expect(summary(claimed.events)).toEqual(['1 assigned'])
  expect(claimed.due).toEqual([])
  const task = { taskId: id!, attempt: 1, workerId: 9 }
  await sql`UPDATE tasks SET picked_at = due_at`
  const started = await during(() => settleTasks(sql, [reportOf(task, 'started')], NOW))
  expect(started.events).toMatchObject([{ type: 'running', count: 1, rows: [[id!, 1, 9, 2, null, null]] }])
  const ended = await during(() => settleTasks(sql, [reportOf(task, 'completed')], NOW))
  expect(ended.events).toMatchObject([
    { type: 'completed', count: 1, rows: [[id!, 1, 9, 2, expect.any(Number), null]] },
  ])
})

test('a failure is told with its error; a retry and a task put back with when they are due', async () => {
  const failing = await hold(sql)
  const failed = await during(() => settleTasks(sql, [reportOf(failing, 'failed', { error: 'no' })], NOW))
  expect(failed.events).toMatchObject([
    { type: 'failed', rows: [[failing.taskId, 1, 1, 2, expect.any(Number), 'no']] },
  ])
  expect(failed.due).toEqual([])

  const trying = await hold(sql, { maxRetries: 1 })
  const retried = await during(() =>
    retryTasks(sql, [reportOf(trying, 'failed', { error: 'no' })], NOW, BACKOFF),
  )
  expect(summary(retried.events)).toEqual(['1 retrying'])
  expect(retried.due[0]).toBeWithin(-1000, BACKOFF.baseMs + 1)

  const returned = await hold(sql)
  const back = await during(() => returnTasks(sql, [returned]))
  expect(summary(back.events)).toEqual(['1 reassigned'])
  expect(back.due[0]).toBeLessThan(0)
})

test('one statement that ends tasks in different ways tells each way once', async () => {
  await insert(sql, 30)
  const tasks = await claim(sql, 30)
  const reports = tasks.map((task, n) =>
    reportOf(task, (['started', 'completed', 'failed'] as const)[n % 3]!),
  )
  const { events } = await during(() => settleTasks(sql, reports, NOW))
  expect(summary(events).sort()).toEqual(['10 completed', '10 failed', '10 running'])
})

test('what changes no state is not told', async () => {
  const task = await hold(sql)
  await settleTasks(sql, [reportOf(task, 'started')], NOW)
  const { payloads } = await during(async () => {
    await settleTasks(sql, [reportOf(task, 'started')], NOW)
    await settleTasks(sql, [reportOf({ ...task, attempt: 9 }, 'completed')], NOW)
    await sql`UPDATE tasks SET name = 'renamed'`
  })
  expect(payloads).toEqual([])
})

test('a worker that comes, goes and comes back is told; its heartbeats are not', async () => {
  const { events } = await during(async () => {
    const session = await register(sql, 4294967295, 'w"\\\u0001')
    await renewLeases(sql, [{ session, draining: false }])
    await loseSessions(sql, [session], MAX_LOSSES, await decided(sql))
    await register(sql, 4294967295, 'w')
    await register(sql, 4294967295, 'w')
  })
  expect(events.map(({ type, rows: [row] }) => [type, row?.[2], row?.[5]])).toEqual([
    ['worker_online', 4294967295, 'Worker w"\\\u0001 is online'],
    ['worker_offline', 4294967295, 'Worker w"\\\u0001 is offline'],
    ['worker_online', 4294967295, 'Worker w is online'],
  ])
})

const HOSTILE = {
  quotes: '"'.repeat(300),
  backslashes: '\\'.repeat(300),
  'characters of four bytes': '\u{1F600}'.repeat(300),
  'control characters': '\u0001'.repeat(300),
  'a mixture': '\u0007"\\\u{1F4A5}\u2028é\n'.repeat(50),
  nothing: null,
}

for (const [what, error] of Object.entries(HOSTILE)) {
  for (const among of ['all', 'some']) {
    test(`a notice of 1,000 tasks fits, when ${among} of them failed with ${what}`, async () => {
      const { payloads, events } = await during(async () => {
        await insert(sql, 1000, { maxRetries: 1, command: error ?? '', name: error ?? '' })
        await sql`UPDATE task_records SET attempt = 2147483640`
        await sql`UPDATE ready SET attempt = 2147483641`
        for (let round = 0; round < 2; round++) {
          const tasks = await claim(sql, 1000, 4294967295)
          const reports = tasks.map((task, n) =>
            reportOf(task, 'failed', {
              error: among === 'all' || n % 60 < 10 ? error : null,
              output: error,
              slot: 32_767,
              startedAt: NOW - 1e12 / 3,
            }),
          )
          await sql`UPDATE task_records SET due_at = '1000-01-01'`
          await sql`UPDATE held SET picked_at = '1000-01-01'`
          await (round === 0 ? retryTasks(sql, reports, NOW, BACKOFF) : settleTasks(sql, reports, NOW))
          await sql`UPDATE ready SET due_at = now()`
        }
      })
      expect(summary(events)).toEqual(
        ['scheduled', 'assigned', 'retrying', 'assigned', 'failed'].map((type) => `1000 ${type}`),
      )
      for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThan(8000)
      for (const { rows } of events) expect(rows.length).toBeWithin(1, 61)
    })
  }
}

test('a notice that changes no row fits whatever its text', async () => {
  for (const text of Object.values(HOSTILE)) {
    const { events, payloads } = await during(() => notifyEvent(sql, 'scale', { text: text ?? '' }))
    expect(summary(events)).toEqual(['1 scale'])
    for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThan(8000)
  }
})
