import { beforeAll, expect, test } from 'bun:test'
import { TASK_STATES, type TaskState } from '../../../src/shared/core/task.ts'
import {
  countMatches,
  findStates,
  findTask,
  listTasks,
  SEARCH_WINDOW,
  searchTasks,
  type TaskFilter,
} from '../../../src/shared/store/tasks.ts'
import { createTestDatabase } from '../../support/database.ts'
import { withoutAutovacuum, withoutIndexes } from '../../support/fill.ts'
import { explain } from '../../support/plans.ts'

const database = await createTestDatabase()
const { sql } = database

/** Of each state a few, the rarest among 40,000 others and older than all of them. */
const FEW = 30

beforeAll(async () => {
  const ended = (count: number, age: string, columns: string[]) =>
    sql.unsafe(`
      INSERT INTO task_records (id, command, scheduled_at, due_at, worker_id, attempt, ${columns.join(', ')})
      SELECT uuidv7(), 'list', at, at, 1, 1, ${columns.map(() => 'at').join(', ')}
      FROM (SELECT now() - interval '${age}' - n * interval '1 s' AS at FROM generate_series(1, ${count}) AS n) AS times`)
  const inFlight = (started: boolean) => sql`
    WITH given AS (
      INSERT INTO task_records (id, command, scheduled_at, due_at)
      SELECT uuidv7(), 'list', at, at
      FROM (SELECT now() - interval '10 days' - n * interval '1 s' AS at FROM generate_series(1, ${FEW}::int) AS n) AS times
      RETURNING id, due_at
    )
    INSERT INTO held (task_id, picked_at, worker_id, attempt, lane, started_at)
    SELECT id, due_at, 1, 1, '//', CASE WHEN ${started} THEN due_at END FROM given`
  await withoutAutovacuum(sql)
  await withoutIndexes(sql, ['task_records', 'held'], async () => {
    await ended(20_000, '0', ['picked_at', 'started_at', 'completed_at'])
    await sql`
      INSERT INTO task_records (id, command, scheduled_at, due_at)
      SELECT uuidv7(), 'list', at, at FROM (SELECT now() + n * interval '1 s' AS at FROM generate_series(1, 20000) AS n) AS times`
    await inFlight(false)
    await inFlight(true)
    await ended(FEW, '10 days', ['picked_at', 'started_at', 'failed_at'])
    await ended(FEW, '10 days', ['picked_at', 'cancelled_at'])
  })
}, 60_000)

const INDEX: Record<TaskState, string> = {
  pending: 'tasks_open',
  assigned: 'task_records_pkey',
  running: 'task_records_pkey',
  completed: 'tasks_completed',
  failed: 'tasks_failed',
  cancelled: 'tasks_cancelled',
}

const indexesOf = (plan: { indexes: string[] } | undefined) =>
  [...new Set(plan!.indexes.filter((name) => name.startsWith('task')))].sort()

for (const analyzed of [false, true]) {
  test(`each state's list walks its own index, ${analyzed ? 'with' : 'without'} statistics`, async () => {
    if (analyzed) await sql`ANALYZE task_records, held`
    for (const state of TASK_STATES) {
      const [plan] = await explain(database, (own) => listTasks(own, { state }, { limit: 20 }))
      expect({ state, indexes: indexesOf(plan) }).toEqual({ state, indexes: [INDEX[state]] })
      // What is held is little, and all of it is sorted.
      const most = INDEX[state] === 'task_records_pkey' ? 2 * FEW : 20
      expect({ state, read: plan!.rowsRead('task_records') <= most }).toEqual({ state, read: true })
    }
    const [all] = await explain(database, (own) => listTasks(own, {}, { limit: 20 }))
    expect(indexesOf(all)).toEqual([...new Set(Object.values(INDEX))].sort())
    // Of each state and priority what comes first, and all that is in flight.
    expect(all!.rowsRead('task_records')).toBeLessThanOrEqual(4 * 20 + 2 * FEW)
  })
}

test('a later page begins where the one before ended, and reads no more than itself', async () => {
  for (const filter of [{}, { state: 'completed' }, { state: 'pending' }] as TaskFilter[]) {
    const first = await listTasks(sql, filter, { limit: 500 })
    const { exactScheduledAt, id } = first.at(-1)!
    const after = { scheduledAt: exactScheduledAt, id }
    const [plan] = await explain(database, (own) => listTasks(own, filter, { after, limit: 20 }))
    expect(plan!.rowsRead('task_records')).toBeLessThanOrEqual(4 * 20 + 2 * FEW)
    const second = await listTasks(sql, filter, { after, limit: 20 })
    expect(second.map((task) => task.id)).not.toContain(id)
    expect(second[0]!.exactScheduledAt <= exactScheduledAt).toBe(true)
  }
})

test('walking page by page meets each task of a state once', async () => {
  for (const state of ['assigned', 'running', 'failed', 'cancelled'] as const) {
    const met: string[] = []
    for (let after: { scheduledAt: string; id: string } | undefined; ; ) {
      const page = await listTasks(sql, { state }, after ? { after, limit: 7 } : { limit: 7 })
      if (page.length === 0) break
      for (const task of page) expect(task.state).toBe(state)
      met.push(...page.map(({ id }) => id))
      const end = page.at(-1)!
      after = { scheduledAt: end.exactScheduledAt, id: end.id }
    }
    const expected = await sql<{ id: string }[]>`
      SELECT id FROM tasks WHERE state = ${state} ORDER BY scheduled_at DESC, id DESC`
    expect(met).toEqual(expected.map(({ id }) => id))
  }
})

test('a text with the signs of patterns is only itself', async () => {
  const [task] = await listTasks(sql, { state: 'failed' }, { limit: 1 })
  await sql`UPDATE task_records SET name = ${'100%_\\done'} WHERE id = ${task!.id}`
  for (const text of ['100%_\\DONE', '0%_', '_\\d']) {
    const { tasks, count } = await searchTasks(sql, { state: 'failed', text }, { limit: 5 })
    expect({ ids: tasks.map(({ id }) => id), count }).toEqual({ ids: [task!.id], count: 1 })
    expect((await countMatches(sql, { state: 'failed', text })).count).toBe(1)
  }
  for (const text of ['100%done', '1__%', '\\\\'])
    expect((await countMatches(sql, { state: 'failed', text })).count).toBe(0)
})

test('a search reads its window once, by the index of the state', async () => {
  for (const [state, index] of [
    ['completed', 'tasks_completed'],
    ['pending', 'tasks_open'],
  ] as const) {
    const filter = { ...(state && { state }), text: 'nobody has this' }
    const [plan] = await explain(database, (own) => searchTasks(own, filter, { limit: 200 }))
    expect(indexesOf(plan).filter((name) => name !== 'task_records_pkey')).toEqual([index])
    expect(plan!.rowsRead('task_records')).toBeLessThanOrEqual(SEARCH_WINDOW + 10)
  }
  // Of all states, each has its own.
  const [plan] = await explain(database, (own) =>
    searchTasks(own, { text: 'nobody has this' }, { limit: 200 }),
  )
  expect(plan!.rowsRead('task_records')).toBeLessThanOrEqual(2 * SEARCH_WINDOW + 4 * FEW)
})

test('a task is found by the end of its id, as it is shown, and by the beginning', async () => {
  const [task] = await listTasks(sql, { state: 'failed' }, { limit: 1 })
  for (const text of [
    task!.id.slice(-8),
    task!.id.slice(0, 23).toUpperCase(),
    task!.id.slice(-8).toUpperCase(),
  ]) {
    const { tasks } = await searchTasks(sql, { state: 'failed', text }, { limit: 5 })
    expect(tasks.map(({ id }) => id)).toContain(task!.id)
  }
  const { count } = await searchTasks(sql, { text: task!.id.slice(10, 20) }, { limit: 5 })
  expect(count).toBe(0)
})

test('tasks are looked up by id, and those that do not exist are left out', async () => {
  const [task] = await listTasks(sql, { state: 'running' }, { limit: 1 })
  const unknown = crypto.randomUUID()
  expect(await findTask(sql, unknown)).toBeNull()
  expect(await findStates(sql, [unknown, task!.id])).toEqual([{ id: task!.id, state: 'running', attempt: 1 }])
  const [plan] = await explain(database, (own) => findTask(own, task!.id))
  expect(indexesOf(plan)).toEqual(['task_records_pkey'])
})
