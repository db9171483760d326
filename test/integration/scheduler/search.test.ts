import { expect, test } from 'bun:test'
import { createCaller } from '../../../src/scheduler/trpc.ts'
import { SEARCH_WINDOW } from '../../../src/shared/store/tasks.ts'
import { fillLevels } from '../../support/fill.ts'
import { addWorker, claim, createStand, refuses, report, type Stand } from './stand.ts'

/** So many waiting tasks, the nth newest with the command `n`. */
async function fill({ sql }: Stand, count: number) {
  await sql`
    WITH stored AS (
      INSERT INTO task_records (id, command, scheduled_at, due_at)
      SELECT gen_random_uuid(), 'number ' || i || '.', '2030-01-01T00:00:00Z'::timestamptz - i * interval '1 s', now()
      FROM generate_series(1, ${count}::int) AS i RETURNING id, due_at
    )
    INSERT INTO ready (task_id, due_at, attempt, priority, routing, lane) SELECT id, due_at, 1, 0, '//', '//' FROM stored`
  await fillLevels(sql)
  await sql`INSERT INTO count_deltas (names, amounts) VALUES ('{pending}', ARRAY[${count}::bigint])`
  await sql`ANALYZE task_records`
}

const commandsOf = ({ tasks }: { tasks: { command: string }[] }) => tasks.map(({ command }) => command)

test('a search finds whatever is there, however far down, by following its cursor', async () => {
  const stand = await createStand()
  await fill(stand, SEARCH_WINDOW + 50)
  const { tasks } = createCaller(stand.services)
  const oldest = `number ${SEARCH_WINDOW + 50}.`
  const first = await tasks.list({ q: oldest.toUpperCase(), limit: 10 })
  expect(first).toMatchObject({ tasks: [], total: 0, total_is_exact: false })
  const second = await tasks.list({ q: oldest, limit: 10, cursor: first.next_cursor! })
  expect(commandsOf(second)).toEqual([oldest])
  expect(second.next_cursor).toBeNull()

  const rest = await stand.get(`/api/tasks?q=${encodeURIComponent(oldest)}&limit=10`)
  const [, next] = /<(.+)>; rel="next"/.exec(rest.headers.get('Link') ?? '') ?? []
  expect((await stand.get(next ?? '')).body).toMatchObject([{ command: oldest }])
})

test('a page of a search that is full goes on where it ends', async () => {
  const stand = await createStand()
  await fill(stand, 40)
  const { tasks } = createCaller(stand.services)
  const first = await tasks.list({ q: 'r 3', limit: 5 })
  const second = await tasks.list({ q: 'r 3', limit: 100, cursor: first.next_cursor! })
  const expected = Array.from({ length: 40 }, (_, index) => `number ${index + 1}.`).filter((name) =>
    name.includes('r 3'),
  )
  expect([...commandsOf(first), ...commandsOf(second)]).toEqual(expected)
  for (const page of [first, second])
    expect(page).toMatchObject({ total: expected.length, total_is_exact: true })
  expect(second.next_cursor).toBeNull()
})

test('the window is one of the state that is asked for', async () => {
  const stand = await createStand()
  await addWorker(stand.sql, 1, 'w1')
  const { task_id } = (await stand.post('/tasks', { command: 'needle', priority: 3 })).body
  await report(stand.sql, 'failed', 1, await claim(stand.sql, 1, 1))
  await fill(stand, SEARCH_WINDOW + 10)
  const { tasks } = createCaller(stand.services)
  for (const filter of [{ q: 'need' }, { worker: 'w1' }, { q: 'NEEDLE', worker: 'w1' }]) {
    const found = await tasks.list({ ...filter, state: 'failed' })
    expect(found).toMatchObject({
      tasks: [{ id: task_id }],
      total: 1,
      total_is_exact: true,
      next_cursor: null,
    })
  }
})

test('a whole id finds its task whatever its age, if the rest of the filter matches', async () => {
  const stand = await createStand()
  await fill(stand, SEARCH_WINDOW + 10)
  const [oldest] = await stand.sql<{ id: string }[]>`SELECT id FROM tasks ORDER BY scheduled_at LIMIT 1`
  const q = oldest!.id.toUpperCase()
  const { tasks } = createCaller(stand.services)
  expect(await tasks.list({ q, state: 'pending' })).toMatchObject({ tasks: [{ id: oldest!.id }], total: 1 })
  expect((await tasks.list({ q, state: 'failed' })).tasks).toEqual([])
  expect((await tasks.list({ q: q.slice(0, 12), cursor: undefined })).total_is_exact).toBe(false)
})

test('text is found whatever its case, with what means something elsewhere taken as it is', async () => {
  const stand = await createStand()
  for (const command of ['100% Ärger', '100x ärgern', 'a_b', 'axb', 'back\\slash'])
    await stand.post('/tasks', { command })
  const { tasks } = createCaller(stand.services)
  const find = async (q: string) => commandsOf(await tasks.list({ q })).sort()
  expect(await find('100%')).toEqual(['100% Ärger'])
  expect(await find('ÄRGER')).toEqual(['100% Ärger', '100x ärgern'])
  expect(await find('A_B')).toEqual(['a_b'])
  expect(await find('\\')).toEqual(['back\\slash'])
})

test('oldest first is the same list from its other end, page by page', async () => {
  const stand = await createStand()
  await fill(stand, 25)
  const { tasks } = createCaller(stand.services)
  const newest = await tasks.list({})
  const seen: string[] = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<typeof tasks.list>> = await tasks.list({
      ...{ sort: 'scheduled' as const, limit: 10 },
      ...(cursor && { cursor }),
    })
    seen.push(...commandsOf(page))
    cursor = page.next_cursor
  } while (cursor)
  expect(seen).toEqual(commandsOf(newest).reverse())
  refuses(
    await stand.get('/api/tasks?sort=-wait'),
    400,
    'sort must be one of: -scheduled, scheduled, -priority, priority',
    'invalid',
  )
})
