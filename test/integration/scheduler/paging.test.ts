import { expect, test } from 'bun:test'
import { connect } from '../../../src/shared/store/connect.ts'
import { listTasks } from '../../../src/shared/store/tasks.ts'
import fc from '../../support/property.ts'
import { createStand } from './stand.ts'

test('following the cursor visits every task once, in order, whatever the page and however close their times', async () => {
  const { sql, get } = await createStand()
  // Microseconds apart, and many at the same microsecond: a millisecond clock could not tell them from each other.
  await sql`
    INSERT INTO tasks (id, command, scheduled_at, due_at)
    SELECT gen_random_uuid(), 'x', at, at FROM (
      SELECT '2030-01-01T00:00:00Z'::timestamptz + (i / 7) * interval '1 microsecond' AS at FROM generate_series(1, 120) AS i
    ) AS times`
  const expected = await sql<{ id: string }[]>`SELECT id FROM tasks ORDER BY scheduled_at DESC, id DESC`

  const walk = async (limit: number, path: string) => {
    const seen: string[] = []
    let next: string | undefined = `${path}?limit=${limit}`
    while (next) {
      const { status, body, headers } = await get(next)
      expect(status).toBe(200)
      seen.push(...(Array.isArray(body) ? body : body.tasks).map(({ id }: { id: string }) => id))
      expect(headers.get('X-Total-Count')).toBe('120')
      next = /<(.+)>; rel="next"/.exec(headers.get('Link') ?? '')?.[1]
    }
    return seen
  }
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 5, max: 200 }),
      fc.constantFrom('/api/tasks', '/tasks'),
      async (limit, path) => {
        expect(await walk(limit, path)).toEqual(expected.map(({ id }) => id))
      },
    ),
    { numRuns: 12 },
  )
})

test('a cursor keeps the filter of its list', async () => {
  const { get, post } = await createStand()
  for (const command of ['red', 'blue', 'red', 'blue', 'red']) await post('/tasks', { command })
  const first = await get('/api/tasks?q=red&limit=2')
  const [, next] = /<(.+)>; rel="next"/.exec(first.headers.get('Link') ?? '') ?? []
  const second = await get(next ?? '')
  const commands = [...first.body, ...second.body].map(({ command }) => command)
  expect(commands).toEqual(['red', 'red', 'red'])
  expect(first.headers.get('X-Total-Count')).toBe('3')
  expect(second.headers.has('Link')).toBe(false)
})

test('a page of running tasks costs what runs, not what is in the table', async () => {
  const { sql, database } = await createStand()
  await sql`
    INSERT INTO task_records (id, command, scheduled_at, due_at)
    SELECT gen_random_uuid(), 'x', now() - i * interval '1 s', now() FROM generate_series(1, 20000) AS i`
  await sql`ANALYZE task_records`
  // One connection, because each keeps what it read to itself until it is asked to tell.
  const one = connect({ ...database.settings, poolMax: 1 })
  expect(await listTasks(one, { state: 'running' }, { limit: 1000 })).toEqual([])
  await one`SELECT pg_stat_force_next_flush()`
  const read = await one<{ index: string }[]>`
    SELECT indexrelname AS index FROM pg_stat_user_indexes WHERE relname IN ('task_records', 'held') AND idx_scan > 0`
  await one.end()
  expect(read.map(({ index }) => index)).toEqual(['held_pkey'])
})
