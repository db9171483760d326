import { beforeAll, expect, test } from 'bun:test'
import { insertLogs } from '../../../src/shared/store/logs.ts'
import { type Answer, addWorker, claim, createStand, type Stand } from '../scheduler/stand.ts'

const KIB = 1024
const MIB = 1024 * KIB
/** Of a page here. */
const PAGE = 256 * KIB
/** A page may pass its bound by one item, and what is written is longer than what is stored. */
const MOST = 2 * PAGE

let stand: Stand

beforeAll(async () => {
  stand = await createStand({ limits: { pageBytes: PAGE } })
})

const sizeOf = ({ body }: Answer) => JSON.stringify(body).length
const nextOf = ({ headers }: Answer) => /<(.+)>; rel="next"/.exec(headers.get('Link') ?? '')?.[1]

/** Every item of a list by following its links, no answer being larger than may be. */
async function walk(
  path: string,
  most = MOST,
  get = stand.get,
): Promise<{ items: { [key: string]: unknown }[]; pages: number }> {
  const items: { [key: string]: unknown }[] = []
  let pages = 0
  for (let next: string | undefined = path; next !== undefined; pages++) {
    const answer = await get(next)
    expect(answer.status).toBe(200)
    expect(sizeOf(answer)).toBeLessThan(most)
    items.push(...(Array.isArray(answer.body) ? answer.body : answer.body.tasks))
    next = nextOf(answer)
  }
  return { items, pages }
}

/** Tasks in which every text and every document is as long as it may be; some compress to almost nothing. */
async function fill({ sql }: Stand, count: number) {
  await sql`
    INSERT INTO tasks (id, command, name, description, payload, scheduled_at, due_at, picked_at, started_at, completed_at,
      worker_id, attempt, output, result, error_stack, error)
    SELECT uuidv7(), 'report ' || repeat('c', 60000), 'n', repeat('d', 10000),
      CASE n % 2 WHEN 0 THEN to_jsonb(repeat('p', 262000)) ELSE (SELECT jsonb_agg(md5(n::text || i)) FROM generate_series(1, 2000) AS i) END,
      at, at, at, at, at, 1, 1, repeat('😀', 16000), to_jsonb(repeat('r', 262000)), repeat('s', 60000), repeat('e', 60000)
    FROM (SELECT n, now() - n * interval '1 s' AS at FROM generate_series(1, ${count}::int) AS n) AS times`
}

const COUNT = 60

test('every list of tasks ends its pages by bytes, cuts what is long, and shows each task once', async () => {
  await fill(stand, COUNT)
  const expected = (
    await stand.sql<{ id: string }[]>`SELECT id FROM tasks ORDER BY scheduled_at DESC, id DESC`
  ).map(({ id }) => id)
  for (const path of [
    '/api/tasks',
    '/tasks',
    '/api/tasks?q=report',
    '/api/tasks?state=completed&sort=scheduled',
  ]) {
    const { items, pages } = await walk(path)
    const ids = items.map(({ id }) => id)
    expect({ path, ids }).toEqual({ path, ids: path.includes('sort') ? expected.toReversed() : expected })
    expect(pages).toBeGreaterThan(3)
    const mark = /^.{900,1100}… \[truncated, about \d+ characters left out\]$/u
    for (const item of items) {
      for (const field of ['command', 'description', 'error', 'error_stack', 'output']) {
        expect(item[field]).toMatch(mark)
      }
      expect(item).toMatchObject({
        payload: '… [truncated, see the task itself]',
        result: '… [truncated, see the task itself]',
      })
    }
  }
  const { body } = await stand.get(`/tasks/${expected[0]}`)
  expect({ ...body, payload: JSON.stringify(body.payload).length }).toMatchObject({
    command: `report ${'c'.repeat(60_000)}`,
    description: 'd'.repeat(10_000),
    output: '😀'.repeat(16_000),
    result: 'r'.repeat(262_000),
    payload: 70_001,
  })
})

test('a search for a whole id gives the task as lists do', async () => {
  const [row] = await stand.sql<{ id: string }[]>`SELECT id FROM tasks LIMIT 1`
  const answer = await stand.get(`/api/tasks?q=${row!.id}`)
  expect(answer.body).toHaveLength(1)
  expect(sizeOf(answer)).toBeLessThan(30 * KIB)
})

test('the calls of one request share what a page may have, however many they are', async () => {
  const calls = Array.from({ length: 50 }, () => 'tasks.list')
  const inputs = Object.fromEntries(calls.map((_, index) => [index, { limit: 1000 }]))
  const answer = await stand.get(
    `/trpc/${calls.join(',')}?batch=1&input=${encodeURIComponent(JSON.stringify(inputs))}`,
  )
  expect(answer.body).toHaveLength(50)
  for (const { result } of answer.body) {
    expect(result.data.tasks.length).toBeGreaterThan(0)
    expect(result.data.next_cursor).toBeString()
  }
  // Each call gives one task at least.
  expect(sizeOf(answer)).toBeLessThan(50 * 30 * KIB)
  const tooMany = `${[...calls, 'tasks.list'].join(',')}?batch=1&input=%7B%7D`
  expect((await stand.get(`/trpc/${tooMany}`)).status).toBe(400)
})

test.each(['ndjson', 'csv'])('an export in %s has all of them whole, a page at a time', async (format) => {
  const own = await createStand()
  await fill(own, 30)
  const answer = await own.app.request(`/api/tasks/export?format=${format}`)
  let largest = 0
  let total = 0
  for await (const chunk of answer.body!) {
    largest = Math.max(largest, chunk.byteLength)
    total += chunk.byteLength
  }
  expect(total).toBeGreaterThan(30 * 650_000)
  expect(largest).toBeLessThan(4 * MIB)
})

test('a list of schedules ends its pages by bytes, and shows each schedule once', async () => {
  for (let n = 10; n < 22; n++) {
    const task = { command: 'x', payload: 'p'.repeat(100_000) }
    const { status } = await stand.post('/api/schedules', { name: `s${n}`, every_ms: 60_000, task })
    expect(status).toBe(200)
  }
  const { items, pages } = await walk('/api/schedules')
  expect(items.map(({ name }) => name)).toEqual(Array.from({ length: 12 }, (_, n) => `s${n + 10}`))
  expect(pages).toBeGreaterThan(3)
})

test('a page of lines ends by bytes, a stream of them has all, and neither leaves one out', async () => {
  const { sql, get, post } = stand
  await addWorker(sql, 1, 'w1')
  const { task_id: taskId } = (await post('/tasks', { command: 'x', priority: 9 })).body
  await claim(sql, 1, 1)
  const lines = Array.from({ length: 120 }, (_, n) => ({
    seq: n + 1,
    at: 0,
    stream: 'stdout' as const,
    text: '😀'.repeat(4096),
  }))
  await insertLogs(sql, [{ taskId, attempt: 1, workerId: 1, lines }], 0)
  const seen: number[] = []
  for (let after: string | null = ''; after !== null; ) {
    const answer: Answer = await get(`/api/tasks/${taskId}/logs${after && `?after=${after}`}`)
    expect(sizeOf(answer)).toBeLessThan(MOST)
    seen.push(...answer.body.lines.map(({ seq }: { seq: number }) => seq))
    after = answer.body.next
  }
  expect(seen).toEqual(lines.map(({ seq }) => seq))
  await sql`UPDATE tasks SET started_at = now(), completed_at = now() WHERE id = ${taskId}`
  const stream = await stand.app.request(`/api/tasks/${taskId}/logs/stream`)
  let largest = 0
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of stream.body!) {
    largest = Math.max(largest, chunk.byteLength)
    text += decoder.decode(chunk, { stream: true })
  }
  expect(text.match(/^id: /gm)).toHaveLength(120)
  expect(largest).toBeLessThan(2 * MIB)
})

test('the errors of many attempts are whole as far as there is room, the latest first', async () => {
  const { sql, get, post } = stand
  const { task_id: id } = (await post('/tasks', { command: 'x' })).body
  await sql`
    INSERT INTO attempts (task_id, attempt, worker_id, picked_at, ended_at, outcome, error)
    SELECT ${id}, n, 1, now(), now(), 'failed', repeat('e', 60000) FROM generate_series(1, 1000) AS n`
  await sql`UPDATE tasks SET attempt = 1001 WHERE id = ${id}`
  const answer = await get(`/tasks/${id}`)
  expect(answer.body.attempts).toHaveLength(1000)
  expect(answer.body.attempts.at(-1).error).toBe('e'.repeat(60_000))
  expect(answer.body.attempts[0].error).toMatch(/^e{1000}… \[truncated/)
  expect(sizeOf(answer)).toBeLessThan(4 * MIB)
})
