import { beforeEach, expect, test } from 'bun:test'
import { PLAIN } from '../../../src/shared/core/lane.ts'
import { PRIORITIES } from '../../../src/shared/core/task.ts'
import { claimTasks, msUntilNextDue, STRICT } from '../../../src/shared/store/dispatch.ts'
import { findTask } from '../../../src/shared/store/tasks.ts'
import { createTestDatabase } from '../../support/database.ts'
import { claim, insert, reset, statesInTable } from '../../support/store.ts'

const database = await createTestDatabase()
const { sql } = database
beforeEach(() => reset(sql))

const { LOW, MEDIUM, HIGH, CRITICAL } = PRIORITIES

test('two that claim at once never share a task, and leave none', async () => {
  const ids = await insert(sql, 1000)
  const rounds = Array.from({ length: 8 }, (_, n) => n + 1)
  const claimed: string[] = []
  for (let left = 1000; left > 0; ) {
    const taken = await Promise.all(rounds.map((workerId) => claim(sql, 40, workerId)))
    for (const own of taken) claimed.push(...own.map(({ taskId }) => taskId))
    left = 1000 - claimed.length
  }
  expect(claimed.sort()).toEqual(ids.sort())
  expect(await statesInTable(sql)).toEqual({ assigned: 1000 })
})

test('the nth task goes to the nth worker, and no more are claimed than workers are given', async () => {
  const at = (n: number) => new Date(Date.now() - 60_000 + n * 1000)
  const ids: string[] = []
  for (let n = 0; n < 6; n++) ids.push(...(await insert(sql, 1, { scheduledAt: at(n) })))
  const claimed = await claimTasks(sql, [7, 4294967295, 7, 9])
  const byTask = new Map(claimed.map((task) => [task.taskId, task.workerId]))
  expect(ids.map((id) => byTask.get(id))).toEqual([7, 4294967295, 7, 9, undefined, undefined])
  for (const { attempt } of claimed) expect(attempt).toBe(1)
})

test('a higher priority goes first, and within one the task that was due first', async () => {
  const at = (ms: number) => new Date(Date.now() - ms)
  const inserted: Record<string, string> = {}
  for (const [name, priority, scheduledAt] of [
    ['low, long due', LOW, at(90_000)],
    ['high, new', HIGH, at(1000)],
    ['critical, new', CRITICAL, at(1000)],
    ['high, old', HIGH, at(5000)],
    ['medium', MEDIUM, at(5000)],
    ['critical, old', CRITICAL, at(9000)],
    ['beyond the named levels', 7, at(1000)],
  ] as const) {
    inserted[(await insert(sql, 1, { priority, scheduledAt }))[0]!] = name
  }
  const order: string[] = []
  for (let task = await claim(sql, 1); task[0]; task = await claim(sql, 1))
    order.push(inserted[task[0].taskId]!)
  expect(order).toEqual([
    'beyond the named levels',
    'critical, old',
    'critical, new',
    'high, old',
    'high, new',
    'medium',
    'low, long due',
  ])
})

test('a task is never claimed before it is due, by the clock of the database', async () => {
  const ids = await insert(sql, 20, { scheduledAt: new Date(Date.now() + 300) })
  const claimed: string[] = []
  const deadline = performance.now() + 10_000
  while (claimed.length < 20 && performance.now() < deadline) {
    claimed.push(...(await claim(sql, 5)).map(({ taskId }) => taskId))
  }
  expect(claimed.sort()).toEqual(ids.sort())
  const [row] = await sql<
    { early: number }[]
  >`SELECT count(*) AS early FROM tasks WHERE picked_at < scheduled_at`
  expect(row?.early).toBe(0)
})

test('cancelled tasks are not claimed, nor waited for', async () => {
  await insert(sql, 3)
  await sql`UPDATE tasks SET cancelled_at = now()`
  expect(await claim(sql, 5)).toEqual([])
  expect(await msUntilNextDue(sql)).toBeNull()
})

test('the next due time is that of the first task nobody holds, of whatever priority; null without one', async () => {
  expect(await msUntilNextDue(sql)).toBeNull()
  await insert(sql, 2, { priority: CRITICAL, scheduledAt: new Date(Date.now() + 3_600_000) })
  expect(await msUntilNextDue(sql)).toBeWithin(3_500_000, 3_600_001)
  await insert(sql, 1, { priority: MEDIUM, scheduledAt: new Date(Date.now() + 60_000) })
  expect(await msUntilNextDue(sql)).toBeWithin(50_000, 60_001)
  await insert(sql, 1)
  expect(await msUntilNextDue(sql)).toBeLessThan(0)
  await claim(sql, 1)
  expect(await msUntilNextDue(sql)).toBeWithin(40_000, 60_001)
})

test('what was submitted reaches the worker as it was', async () => {
  const payload = { text: 'a "b" \\ \u{1F600} é\n', list: [1, null, true, { deep: [] }] }
  const [id] = await insert(sql, 1, { command: "run 'it'; --", payload, priority: HIGH })
  const [task] = await claim(sql, 3, 8)
  expect(task).toEqual({
    ...{ taskId: id!, attempt: 1, workerId: 8, lane: '//', command: "run 'it'; --", executor: 'simulate' },
    ...{ payload, priority: HIGH, timeoutMs: null, cancelGraceMs: 5000, parents: null, level: '// 2' },
    dueMs: expect.any(Number),
  })
  expect(await findTask(sql, id!)).toMatchObject({ state: 'assigned', workerId: 8, attempt: 1, failures: 0 })
})

test('a claim that asks for more than there is takes what there is', async () => {
  await insert(sql, 3)
  expect(await claim(sql, 1000)).toHaveLength(3)
  expect(await claim(sql, 1000)).toEqual([])
})

test('of the places for what has aged, the longest due take theirs whatever their priority', async () => {
  const at = (ms: number) => new Date(Date.now() - ms)
  await insert(sql, 20, { priority: CRITICAL, scheduledAt: at(1000) })
  const old: string[] = []
  for (const ms of [90_000, 60_000, 31_000]) old.push(...(await insert(sql, 1, { scheduledAt: at(ms) })))
  await insert(sql, 1, { scheduledAt: at(20_000) })
  const places = (count: number) => Array<number>(count).fill(1)
  const first = await claimTasks(sql, places(10), PLAIN, { ageingMs: 30_000, agedPlaces: 2 })
  expect(first.map(({ priority }) => priority).sort()).toEqual([
    ...Array(2).fill(LOW),
    ...Array(8).fill(CRITICAL),
  ])
  expect(
    first
      .filter(({ priority }) => priority === LOW)
      .map(({ taskId }) => taskId)
      .sort(),
  ).toEqual(old.slice(0, 2).sort())
  // Only one is old enough; the other place goes by priority.
  const second = await claimTasks(sql, places(10), PLAIN, { ageingMs: 30_000, agedPlaces: 2 })
  expect(second.map(({ priority }) => priority).filter((priority) => priority === LOW)).toEqual([LOW])
  const strict = await claimTasks(sql, places(3), PLAIN, STRICT)
  expect(strict.map(({ priority }) => priority)).toEqual([CRITICAL, CRITICAL, CRITICAL])
})

test('workers are given only what they have the executor, the handler and every label for', async () => {
  const [plain] = await insert(sql, 1)
  const [shell] = await insert(sql, 1, { executor: 'shell', priority: CRITICAL })
  const [send] = await insert(sql, 1, { executor: 'function', command: 'send' })
  const [gpu] = await insert(sql, 1, { labels: ['gpu'] })
  const [both] = await insert(sql, 1, { labels: ['eu', 'gpu'], queue: 'far' })
  const claimedBy = async (executors: string[], labels: string[] = []) =>
    (await claimTasks(sql, Array<number>(10).fill(1), { executors, labels }))
      .map(({ taskId }) => taskId)
      .sort()
  expect(await msUntilNextDue(sql, { executors: ['http'], labels: ['gpu'] })).toBeNull()
  expect(await claimedBy(['http', 'function:other'], ['gpu', 'eu'])).toEqual([])
  expect(await claimedBy(['simulate'])).toEqual([plain!])
  expect(await claimedBy(['simulate', 'function:send'], ['gpu'])).toEqual([send!, gpu!].sort())
  expect(await msUntilNextDue(sql, { executors: ['shell'], labels: [] })).toBeLessThan(0)
  expect(await claimedBy(['shell', 'simulate'], ['gpu', 'eu', 'x'])).toEqual([shell!, both!].sort())
})
