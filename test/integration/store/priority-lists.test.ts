import { beforeAll, expect, test } from 'bun:test'
import { TASK_STATES, type TaskState } from '../../../src/shared/core/task.ts'
import {
  isByPriority,
  type Position,
  placeOf,
  TASK_SORTS,
  type TaskSort,
} from '../../../src/shared/store/task-order.ts'
import { countMatches, listTasks, searchTasks, type TaskFilter } from '../../../src/shared/store/tasks.ts'
import { createTestDatabase } from '../../support/database.ts'
import { withoutAutovacuum, withoutIndexes } from '../../support/fill.ts'
import { explain } from '../../support/plans.ts'

const database = await createTestDatabase()
const { sql } = database

const FEW = 30
const MANY = 3000

/** Of each state some, of all priorities, with many of one priority and at one time. */
beforeAll(async () => {
  await withoutAutovacuum(sql)
  const ended = (count: number, columns: string[]) =>
    sql.unsafe(`
      INSERT INTO task_records (id, command, priority, scheduled_at, due_at, worker_id, attempt, ${columns.join(', ')})
      SELECT uuidv7(), 'list', n % 5 - 1, at, at, 1, 1, ${columns.map(() => 'at').join(', ')}
      FROM (SELECT n, now() - n / 3 * interval '1 s' AS at FROM generate_series(1, ${count}) AS n) AS times`)
  const inFlight = (started: boolean) => sql`
    WITH given AS (
      INSERT INTO task_records (id, command, priority, scheduled_at, due_at)
      SELECT uuidv7(), 'list', n % 5 - 1, at, at
      FROM (SELECT n, now() - n / 3 * interval '1 s' AS at FROM generate_series(1, ${FEW}::int) AS n) AS times
      RETURNING id, due_at
    )
    INSERT INTO held (task_id, picked_at, worker_id, attempt, lane, started_at)
    SELECT id, due_at, 1, 1, '//', CASE WHEN ${started} THEN due_at END FROM given`
  await withoutIndexes(sql, ['task_records', 'held'], async () => {
    await ended(20_000, ['picked_at', 'started_at', 'completed_at'])
    await sql`
      INSERT INTO task_records (id, command, priority, scheduled_at, due_at, failures)
      SELECT uuidv7(), 'list', priority, now() + n / 3 * interval '1 s', now(), CASE priority WHEN 3 THEN 1 ELSE 0 END
      FROM (SELECT n, CASE n % 2000 WHEN 0 THEN 3 ELSE 0 END AS priority FROM generate_series(1, 20000) AS n) AS waiting`
    await inFlight(false)
    await inFlight(true)
    await ended(MANY, ['picked_at', 'started_at', 'failed_at'])
    await ended(MANY, ['picked_at', 'cancelled_at'])
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
const SORTS = ['-priority', 'priority'] as const
const indexesOf = (plan: { indexes: string[] } | undefined) =>
  [...new Set(plan!.indexes.filter((name) => name.startsWith('task')))].sort()

for (const analyzed of [false, true]) {
  test(`a list by priority reads what it shows, by the index of its state, ${analyzed ? 'with' : 'without'} statistics`, async () => {
    if (analyzed) await sql`ANALYZE task_records, held`
    for (const sort of SORTS) {
      for (const state of TASK_STATES) {
        const [plan] = await explain(database, (own) => listTasks(own, { state }, { limit: 20, sort }))
        expect({ state, indexes: indexesOf(plan) }).toEqual({ state, indexes: [INDEX[state]] })
        // What is in flight is little: all of it is sorted, or passed by among what waits.
        const most = { assigned: 2 * FEW, running: 2 * FEW, pending: 20 + 2 * FEW }[state as string] ?? 20
        expect({ state, read: plan!.rowsRead('task_records') <= most }).toEqual({ state, read: true })
      }
      const [all] = await explain(database, (own) => listTasks(own, {}, { limit: 20, sort }))
      expect(indexesOf(all)).toEqual([...new Set(Object.values(INDEX))].sort())
      expect(all!.rowsRead('task_records')).toBeLessThanOrEqual(4 * 20 + 2 * FEW)
    }
    const rare = { state: 'pending' as const, priority: { min: 3, max: 3 } }
    for (const sort of TASK_SORTS) {
      const [plan] = await explain(database, (own) => listTasks(own, rare, { limit: 20, sort }))
      expect({
        sort,
        indexes: indexesOf(plan),
        read: plan!.rowsRead('task_records') <= 20 + 2 * FEW,
      }).toEqual({
        sort,
        indexes: ['tasks_open'],
        read: true,
      })
    }
    const [retrying] = await explain(database, (own) =>
      listTasks(own, { state: 'retrying' }, { limit: 5, sort: '-priority' }),
    )
    expect(indexesOf(retrying)).toEqual(['tasks_retrying'])
  })
}

/** Every id of a list, page by page. */
async function walk(filter: TaskFilter, sort: TaskSort, limit: number): Promise<string[]> {
  const met: string[] = []
  for (let after: Position | undefined; ; ) {
    const page = await listTasks(sql, filter, { limit, sort, ...(after && { after }) })
    met.push(...page.map(({ id }) => id))
    const last = page.at(-1)
    if (page.length < limit || !last) return met
    after = placeOf(last, sort)
  }
}

test.each([
  [{ state: 'failed' }, 400],
  [{ state: 'running' }, 7],
  [{ state: 'completed', priority: { min: 1, max: 2 } }, 1000],
  [{ priority: { min: -1, max: -1 } }, 700],
  [{ state: 'pending', priority: { min: 3, max: 3 } }, 3],
] as [TaskFilter, number][])(
  'walking page by page meets each task of %j once, in order',
  async (filter, limit) => {
    const { state = null, priority = { min: -32_768, max: 32_767 } } = filter
    for (const sort of filter.priority?.min === filter.priority?.max ? TASK_SORTS : SORTS) {
      const rows = await sql.unsafe<{ id: string }[]>(
        `SELECT id FROM tasks WHERE ($1::text IS NULL OR state = $1) AND priority BETWEEN $2 AND $3
       ORDER BY ${{ '-scheduled': 'scheduled_at DESC, id DESC', scheduled: 'scheduled_at, id', '-priority': 'priority DESC, scheduled_at DESC, id DESC', priority: 'priority, scheduled_at, id' }[sort]}`,
        [state, priority.min, priority.max],
      )
      expect({ sort, met: await walk(filter, sort, limit) }).toEqual({ sort, met: rows.map(({ id }) => id) })
    }
  },
)

test('a page stays where it is though tasks come before it', async () => {
  const first = await listTasks(sql, { state: 'pending' }, { limit: 5, sort: '-priority' })
  const after = placeOf(first.at(-1)!, '-priority')
  const read = async () =>
    (await listTasks(sql, { state: 'pending' }, { limit: 5, sort: '-priority', after })).map(({ id }) => id)
  const before = await read()
  await sql`INSERT INTO task_records (id, command, priority, scheduled_at, due_at) SELECT uuidv7(), 'new', 9, now(), now() FROM generate_series(1, 10)`
  expect(await read()).toEqual(before)
  await sql`DELETE FROM task_records WHERE command = 'new'`
})

test('a text is searched in order of priority, and counted among those of the priority', async () => {
  const filter = { text: 'list', priority: { min: 3, max: 3 } }
  const { tasks, end } = await searchTasks(sql, filter, { limit: 50, sort: '-priority' })
  expect(tasks).toHaveLength(50)
  expect(tasks.every(({ priority }) => priority === 3)).toBe(true)
  expect(isByPriority('-priority')).toBe(true)
  expect(end === null || end.priority !== undefined).toBe(true)
  const { count } = await countMatches(sql, { state: 'pending', priority: { min: 3, max: 3 } })
  expect(count).toBe(10)
})
