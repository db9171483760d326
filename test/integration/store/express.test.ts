import { beforeEach, expect, test } from 'bun:test'
import type { NewTask } from '../../../src/shared/core/task.ts'
import { EVENTS_CHANNEL, listen } from '../../../src/shared/store/channel.ts'
import { readCounts } from '../../../src/shared/store/counts.ts'
import { claimTasks } from '../../../src/shared/store/dispatch.ts'
import { type ExpressTask, storeClaimed } from '../../../src/shared/store/express.ts'
import { limitQueue, pauseQueue, resumeQueue } from '../../../src/shared/store/queues.ts'
import { insertTasks, insertUnlessStored } from '../../../src/shared/store/tasks.ts'
import { createTestDatabase } from '../../support/database.ts'
import { claim, hold, insert, newTask, register, reset, statesInTable } from '../../support/store.ts'
import { waitFor } from '../../support/wait.ts'

const database = await createTestDatabase()
const { sql } = database
beforeEach(async () => {
  await reset(sql)
  await sql`DELETE FROM queues WHERE name <> 'default'`
  await register(sql, 1)
})

const later = () => new Date(Date.now() + 60_000)

function express(tasks: NewTask[], from: Record<string, number> = {}): Promise<ExpressTask[]> {
  return storeClaimed(
    sql,
    tasks.map((task) => ({ task, workerId: 1, others: null })),
    from,
  )
}
const count = async (...tasks: NewTask[]) => (await express(tasks)).length

test('a task comes to the same as one that is inserted and claimed: rows, figures, events', async () => {
  const events: string[] = []
  const listening = await listen(
    sql,
    EVENTS_CHANNEL,
    (payload) => {
      const { type, count: total, rows } = JSON.parse(payload)
      if (/^(scheduled|assigned)$/.test(type))
        events.push(JSON.stringify([type, total, rows.map((row: unknown[]) => row.slice(1, 5))]))
    },
    () => {},
  )
  const given = {
    ...{
      name: 'n',
      description: 'd',
      command: 'c',
      executor: 'shell',
      queue: 'mail',
      labels: ['eu'],
      priority: 2,
    },
    ...{ payload: { z: 1, a: [true] }, maxRetries: 3, retryBackoffMs: 0, retryBackoffCapMs: 9, timeoutMs: 7 },
    cancelGraceMs: 8,
  }
  const shell = { executors: ['shell'], labels: ['eu'] }
  const rowOf = async (id: string) => {
    const [row] = await sql`
      SELECT to_jsonb(t) - '{id,created_at,scheduled_at,due_at,picked_at}'::text[] AS row FROM tasks t WHERE id = ${id}`
    return row
  }
  const figures = async () =>
    Object.fromEntries(
      [...(await readCounts(sql))]
        .filter(([name, value]) => value !== 0 && !name.startsWith('waited'))
        .sort(),
    )

  const [usual] = [newTask(given)]
  await insertTasks(sql, [usual!])
  const [claimed] = await claimTasks(sql, [1], shell)
  const [usualRow, usualFigures] = [await rowOf(usual!.id), await figures()]
  await waitFor(() => events.length === 2, { what: 'the events of the one' })
  const told = events.splice(0)

  await reset(sql)
  await sql`DELETE FROM queues WHERE name <> 'default'`
  await register(sql, 1)
  const quick = newTask(given)
  const [stored] = await express([quick])
  expect(await rowOf(quick.id)).toEqual(usualRow)
  expect(await figures()).toEqual(usualFigures)
  await waitFor(() => events.length === 2, { what: 'the events of the other' })
  const withoutTimes = (list: string[]) => list.map((event) => event.replace(/[\d.]+\]\]\]$/, 'ms]]]'))
  expect(withoutTimes(events)).toEqual(withoutTimes(told))
  const { lane: _, level: __, dueMs: ___, ...assignment } = claimed!
  expect(stored).toEqual({ ...assignment, taskId: quick.id, parents: undefined } as never)
  expect(await sql`SELECT name FROM queues ORDER BY name`).toEqual([
    { name: 'default' },
    { name: 'mail' },
  ] as never)
  await listening.stop()
})

test('nothing goes ahead of what waits under the same routing key, whatever its priority', async () => {
  await insert(sql, 1, { priority: 0 })
  expect(await count(newTask({ priority: 3 }))).toBe(0)
  expect(await count(newTask({ priority: 0 }))).toBe(0)
  expect(await count(newTask({ executor: 'shell' }))).toBe(1)
  await claim(sql, 1)
  expect(await count(newTask({ priority: 3 }))).toBe(1)
})

test("what is due later, or in the hands of a worker, is in nobody's way", async () => {
  await insert(sql, 5, { scheduledAt: later() })
  await hold(sql)
  expect(await count(newTask())).toBe(1)
})

test('nothing goes ahead of keys that wait', async () => {
  await insert(sql, 1, { concurrencyKey: 'k' })
  expect(await count(newTask())).toBe(0)
  expect(await count(newTask({ queue: 'mail' }))).toBe(1)
})

test('what is due before the place that the claims have got to is not looked at', async () => {
  await insert(sql, 1)
  const levels = await sql<{ level: string }[]>`SELECT routing || ' ' || priority AS level FROM levels`
  expect(await express([newTask()], { [levels[0]!.level]: Date.now() })).toHaveLength(1)
})

test('a queue that has limits, or is paused, is left to the claim', async () => {
  await limitQueue(sql, 'mail', { concurrency: 100 })
  await pauseQueue(sql, 'news', null)
  expect(await count(newTask({ queue: 'mail' }))).toBe(0)
  expect(await count(newTask({ queue: 'news' }))).toBe(0)
  await resumeQueue(sql, 'news')
  expect(await count(newTask({ queue: 'news' }))).toBe(1)
})

test('of tasks that come together each goes by itself', async () => {
  await pauseQueue(sql, 'news', null)
  await insert(sql, 1, { executor: 'shell' })
  const tasks = [
    newTask({ queue: 'news' }),
    newTask({ priority: 1 }),
    newTask({ executor: 'shell' }),
    newTask({ scheduledAt: later() }),
    newTask({ queue: 'mail', labels: ['b', 'a'] }),
    newTask({ scheduledAt: later(), delayMs: 0 }),
  ]
  const stored = await express(tasks)
  expect(stored.map(({ taskId }) => tasks.findIndex(({ id }) => id === taskId))).toEqual([1, 4, 5])
  expect(await statesInTable(sql)).toEqual({ assigned: 3, pending: 1 })
  const counts = await readCounts(sql)
  expect([counts.get('assigned'), counts.get('pending')]).toEqual([3, 1])
})

test('an id is stored once, whichever way comes first', async () => {
  const [a, b] = [newTask(), newTask()]
  await express([a])
  await insertUnlessStored(sql, a)
  await insertUnlessStored(sql, b)
  expect(await count(b)).toBe(0)
  expect(await statesInTable(sql)).toEqual({ assigned: 1, pending: 1 })
  const counts = await readCounts(sql)
  expect([counts.get('assigned'), counts.get('pending'), counts.get('submitted:LOW')]).toEqual([1, 1, 2])
})

test('an id that comes both ways at once is stored once', async () => {
  const tasks = Array.from({ length: 40 }, () => newTask({ priority: 1 }))
  await Promise.all(tasks.flatMap((task) => [express([task]), insertUnlessStored(sql, task)]))
  const states = await statesInTable(sql)
  expect((states.assigned ?? 0) + (states.pending ?? 0)).toBe(40)
  const counts = await readCounts(sql)
  expect([counts.get('assigned') ?? 0, counts.get('pending') ?? 0]).toEqual([
    states.assigned ?? 0,
    states.pending ?? 0,
  ])
  const rows = await sql<{ held: number; ready: number }[]>`
    SELECT (SELECT count(*) FROM held) AS held, (SELECT count(*) FROM ready) AS ready`
  expect(rows[0]).toEqual({ held: states.assigned ?? 0, ready: states.pending ?? 0 })
})
