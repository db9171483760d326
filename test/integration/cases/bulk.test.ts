import { beforeEach, describe, expect, test } from 'bun:test'
import { writeBound } from '../../../src/scheduler/bulk-bound.ts'
import { createCaller } from '../../../src/scheduler/trpc.ts'
import { SEARCH_WINDOW } from '../../../src/shared/store/tasks.ts'
import { createStand, refuses, type Stand } from '../scheduler/stand.ts'

/** What is confirmed is what is done: an action is bounded by what its preview counted. */

const stand: Stand = await createStand()
const { sql } = stand

const ACTIONS = ['cancel', 'retry', 'run-now', 'discard'] as const
type Action = (typeof ACTIONS)[number]

/** What is set in a task of each state, `at` being its time. */
const STATES = {
  pending: [],
  assigned: ['picked_at'],
  running: ['picked_at', 'started_at'],
  completed: ['picked_at', 'started_at', 'completed_at'],
  failed: ['picked_at', 'started_at', 'failed_at'],
  cancelled: ['picked_at', 'cancelled_at'],
} as const
type State = keyof typeof STATES
const APPLIES: Record<Action, State[]> = {
  cancel: ['pending', 'assigned', 'running'],
  retry: ['failed', 'cancelled'],
  'run-now': ['pending'],
  discard: ['completed', 'failed', 'cancelled'],
}

/** Stores so many tasks of a state, the nth newest with the command `<word> <n>`. */
async function fill(state: State, count: number, word = 'report') {
  const columns = STATES[state]
  const due = state === 'pending' ? `now() + interval '1 day'` : 'at'
  await sql.unsafe(
    `INSERT INTO tasks (id, command, created_at, scheduled_at, due_at, worker_id, attempt ${columns.map((c) => `, ${c}`).join('')})
     SELECT uuidv7(), $1 || ' ' || n, at, at, ${due}, ${columns.length > 0 ? '1, 1' : 'NULL, 0'} ${columns.map(() => ', at').join('')}
     FROM (SELECT n, now() - n * interval '1 s' AS at FROM generate_series(1, $2::int) AS n) AS times`,
    [word, count],
  )
}

const preview = async (action: Action, conditions: object) => {
  const { status, body } = await stand.post(`/api/tasks/${action}/preview`, conditions)
  expect({ action, conditions, status }).toEqual({ action, conditions, status: 200 })
  return body as { count: number; is_all: boolean; bound: string }
}
const act = async (action: Action, body: object) => (await stand.post(`/api/tasks/${action}`, body)).body
const countIn = async (state: State) => {
  const [row] = await sql<
    { count: number }[]
  >`SELECT count(*)::int AS count FROM tasks WHERE state = ${state}`
  return row!.count
}

beforeEach(async () => {
  await sql`TRUNCATE task_records, ready, held, levels, attempts, counts, count_deltas`
})

test.each(ACTIONS)(
  '%s of a search over more than is looked through at once does to all what it counted, by REST and by tRPC',
  async (action) => {
    const [state] = APPLIES[action] as [State]
    await fill(state, SEARCH_WINDOW + 500)
    // 5000 to 5009, and one each of 500 and 5: most of them are older than what a list looks through.
    const counted = await preview(action, { q: 'report 500' })
    expect(counted).toMatchObject({ count: 11, is_all: true })
    const name = action === 'run-now' ? ('runNow' as const) : action
    const call = createCaller(stand.services)
    expect(await call.tasks[`${name}Preview`]({ q: 'report 500' })).toMatchObject({ count: 11, is_all: true })
    expect(await countIn(state)).toBe(SEARCH_WINDOW + 500)
    const done = await call.tasks[`${name}Many`]({ q: 'report 500', bound: counted.bound })
    expect(done).toEqual({ count: 11, next_cursor: null })
    expect(await preview(action, { q: 'report 500' })).toMatchObject({ count: 0 })
  },
)

describe.each(ACTIONS)('%s', (action) => {
  test('does nothing to tasks that were stored after they were counted', async () => {
    for (const state of APPLIES[action]) await fill(state, 10)
    const counted = await preview(action, { all: true })
    expect(counted.count).toBe(10 * APPLIES[action].length)
    await sql`UPDATE tasks SET command = 'counted'`
    for (const state of APPLIES[action]) {
      await fill(state, 10, 'new')
      await sql`UPDATE tasks SET created_at = clock_timestamp() WHERE starts_with(command, 'new')`
    }
    expect(await act(action, { all: true, bound: counted.bound })).toEqual({
      count: counted.count,
      next_cursor: null,
    })
    const again = await preview(action, { q: 'new' })
    expect(again.count).toBe(counted.count)
  })

  test('does nothing to tasks that came into its states, or into the one asked for, after they were counted', async () => {
    for (const state of APPLIES[action]) {
      const isEnd = !['pending', 'assigned', 'running'].includes(state)
      for (const conditions of isEnd ? [{ state }, { all: true }] : [{ state }]) {
        await sql`DELETE FROM tasks`
        await fill(state, 5)
        const counted = await preview(action, conditions)
        expect(counted.count).toBe(5)
        await fill(state, 3, 'moved')
        const [last = 'ended_at'] = STATES[state].slice(-1)
        if (state === 'pending') {
          await sql`
            INSERT INTO attempts (task_id, attempt, worker_id, picked_at, ended_at, outcome)
            SELECT id, 1, 1, now(), now(), 'failed' FROM tasks WHERE starts_with(command, 'moved')`
        } else {
          await sql`UPDATE tasks SET ${sql(last)} = clock_timestamp() WHERE starts_with(command, 'moved')`
        }
        const done = await act(action, { ...conditions, bound: counted.bound })
        expect({ conditions, done }).toEqual({ conditions, done: { count: 5, next_cursor: null } })
        const [moved] =
          await sql`SELECT count(*)::int AS count FROM tasks WHERE starts_with(command, 'moved') AND state = ${state}`
        expect(moved?.count).toBe(3)
      }
    }
  })

  test('never does more than was counted, request after request', async () => {
    const [state] = APPLIES[action] as [State]
    await fill(state, 30)
    const counted = await preview(action, { state })
    const bound = writeBound({ at: '2999-01-01 00:00:00+00', count: 12, until: null })
    expect(await act(action, { state, bound })).toEqual({ count: 12, next_cursor: null })
    expect(await act(action, { state, bound: counted.bound })).toMatchObject({ count: 18 })
  })

  test('of ids does what it counted', async () => {
    for (const state of Object.keys(STATES) as State[]) await fill(state, 2)
    const ids = (await sql<{ id: string }[]>`SELECT id FROM tasks`).map(({ id }) => id)
    const counted = await preview(action, { ids })
    expect(counted.count).toBe(2 * APPLIES[action].length)
    expect(await act(action, { ids, bound: counted.bound })).toEqual({
      count: counted.count,
      next_cursor: null,
    })
  })
})

test('a preview whose time is over says so, and its bound ends where it stopped', async () => {
  const hasty = await createStand({ actions: { batchSize: 10, budgetMs: 0 } })
  await hasty.post('/api/schedule/batch', { count: 50, delay_seconds: 3600 })
  const { body } = await hasty.post('/api/tasks/cancel/preview', { all: true })
  expect(body).toMatchObject({ count: 0, is_all: false })
  expect((await hasty.post('/api/tasks/cancel', { all: true, bound: body.bound })).body).toEqual({
    count: 0,
    next_cursor: null,
  })
  await hasty.end()

  await fill('failed', 50)
  const rows = await sql<
    { id: string; at: string }[]
  >`SELECT id, scheduled_at::text AS at FROM tasks ORDER BY scheduled_at DESC`
  const place = Buffer.from(`${rows[19]!.at}|${rows[19]!.id}`).toString('base64url')
  const bound = writeBound({ at: '2999-01-01 00:00:00+00', count: 100, until: ['failed', place] })
  expect(await act('discard', { state: 'failed', bound })).toEqual({ count: 20, next_cursor: null })
  expect(await countIn('failed')).toBe(30)
})

test('one that takes several requests goes on with what is left of its bound', async () => {
  const hasty = await createStand({ actions: { batchSize: 10, budgetMs: 1 } })
  await hasty.post('/api/schedule/batch', { count: 100, delay_seconds: 3600 })
  const bound = writeBound({ at: '2999-01-01 00:00:00+00', count: 35, until: null })
  let count = 0
  let cursor: string | null = null
  do {
    const { body }: { body: { count: number; next_cursor: string | null } } = await hasty.post(
      '/api/tasks/cancel',
      {
        all: true,
        bound,
        ...(cursor && { cursor }),
      },
    )
    count += body.count
    cursor = body.next_cursor
  } while (cursor !== null)
  expect(count).toBe(35)
})

test.each([
  [{ all: true, bound: 'x' }, /bound is not one/],
  [{ all: true, bound: 7 }, /bound must be a string/],
  [{ all: true, bound: Buffer.from('["x",1]').toString('base64url') }, /bound is not one/],
  [
    { all: true, bound: Buffer.from('["2030-01-01 00:00:00+00",-1]').toString('base64url') },
    /bound is not one/,
  ],
  [{ bound: writeBound({ at: '2030-01-01 00:00:00+00', count: 1, until: null }) }, /at least one/],
])('400 for %j', async (body, naming) => {
  refuses(await stand.post('/api/tasks/cancel', body), 400, naming, 'invalid')
})

test('a preview takes the conditions of its action and nothing else', async () => {
  refuses(
    await stand.post('/api/tasks/discard/preview', { state: 'pending' }),
    400,
    /state must be one of/,
    'invalid',
  )
  refuses(await stand.post('/api/tasks/discard/preview', {}), 400, /at least one/, 'invalid')
  refuses(
    await stand.post('/api/tasks/discard/preview', { all: true, cursor: 'failed.' }),
    400,
    /"cursor"/,
    'invalid',
  )
})
