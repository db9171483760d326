import { expect, test } from 'bun:test'
import pino from 'pino'
import { createFeed } from '../../../src/scheduler/feed/feed.ts'
import { readNoticeQueueUsage } from '../../../src/shared/store/channel.ts'
import { cancelTasks } from '../../../src/shared/store/control.ts'
import { findTask } from '../../../src/shared/store/tasks.ts'
import { startOwnServer } from '../../support/own-server.ts'
import { outcomesOf } from '../../support/refusals.ts'
import { insert } from '../../support/store.ts'
import { waitFor } from '../../support/wait.ts'
import { openRaw, reportOf, startStand } from '../coordinator/stand.ts'

/** Notices are hints: without them everything goes on, a little later. */

const server = await startOwnServer({ max_notify_queue_pages: '64' })
await server.admin`CREATE DATABASE elsewhere`
const database = await server.createDatabase('app')
const { sql } = database

/** Fills the queue from another database; the result ends the session that holds it up. */
async function fillQueue(): Promise<() => Promise<void>> {
  const reader = server.open('elsewhere')
  const writer = server.open('elsewhere')
  await reader.unsafe('LISTEN other')
  await reader.unsafe('BEGIN')
  await reader.unsafe('SELECT txid_current()')
  const full = async () => {
    for (;;)
      await writer.unsafe(`SELECT pg_notify('other', repeat('x', 7900) || n) FROM generate_series(1, 8) AS n`)
  }
  await expect(full()).rejects.toMatchObject({ code: '54000' })
  await writer.end({ timeout: 0 })
  return () => reader.end({ timeout: 0 })
}

test('no function of the schema notifies but by the one that holds back when the queue is half full', async () => {
  const rows = await sql<{ name: string }[]>`
    SELECT proname AS name FROM pg_proc
    WHERE pronamespace = to_regnamespace('taskmaster') AND prosrc ~ '\\mpg_notify\\M' ORDER BY 1`
  expect(rows.map(({ name }) => name)).toEqual(['notify_hint'])
})

test('with the queue of notices full, tasks are taken, run, cancelled and shown, and it heals by itself', async () => {
  const stand = await startStand({}, database)
  const worker = await openRaw(stand.address, { slots: 10 })
  const feed = createFeed({ sql, log: pino({ level: 'silent' }), maxEvents: 100 })
  await feed.start()
  let gaps = 0
  feed.observe({ onNotice: () => {}, onGap: () => void gaps++ })
  const [running] = await insert(sql, 1)
  const [held] = await worker.given(1)

  const leave = await fillQueue()
  await worker.acknowledged(worker.report(reportOf(held!, 'COMPLETED')))
  const [next, other] = await insert(sql, 2)
  const tasks = await worker.given(3)
  await waitFor(() => gaps >= 2, { what: 'those who show it to look again and again' })
  await cancelTasks(sql, [other!])
  await waitFor(
    () => worker.received.some(({ cancel }) => cancel?.items.some(({ task_id }) => task_id === other)),
    {
      what: 'the cancellation to reach the worker',
    },
  )
  const done = tasks
    .slice(1)
    .map((task) => reportOf(task, task.task_id === other ? 'CANCELLED' : 'COMPLETED'))
  await worker.acknowledged(worker.report(...done))
  expect(await outcomesOf(sql, running!)).toEqual(['completed'])
  expect(await outcomesOf(sql, next!)).toEqual(['completed'])
  expect(await findTask(sql, other!)).toMatchObject({ state: 'cancelled' })
  expect(stand.logged.filter(({ level }) => level === 'error')).toEqual([])
  await waitFor(() => stand.troubles.list().some(({ key }) => key === 'notices'), {
    what: 'the trouble to be told',
  })
  expect(feed.recent().filter(({ type }) => type === 'gap')).toHaveLength(1)

  await leave()
  await waitFor(() => stand.troubles.list().length === 0, { what: 'the end of the trouble' })
  expect(await readNoticeQueueUsage(sql)).toBeLessThan(0.5)
  const before = feed.recent().length
  await insert(sql, 1)
  await waitFor(() => feed.recent().length > before, { what: 'an event, as ever' })
  await feed.stop()
})
