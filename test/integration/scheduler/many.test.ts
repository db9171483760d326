import { describe, expect, test } from 'bun:test'
import { createCaller } from '../../../src/scheduler/trpc.ts'
import { countTasks, createStand, refuses } from './stand.ts'

const stand = await createStand()
const NDJSON = { 'content-type': 'application/x-ndjson' }
const TAKEN = 'another request was made under the same idempotency_key'
const submit = (tasks: unknown) => stand.post('/api/tasks/batch', tasks)
const lines = (...tasks: unknown[]) => tasks.map((task) => JSON.stringify(task)).join('\n')

describe('many different tasks in one request', () => {
  test('are stored in order, each with its own fields and its own time', async () => {
    const answer = await submit([
      { command: 'now', priority: 'HIGH', payload: { a: 1 } },
      { command: 'soon', delay_seconds: 60, max_retries: 3 },
      { command: 'later', scheduled_at: '2040-01-01T00:00:00Z', name: 'n' },
    ])
    expect(answer).toMatchObject({ status: 200, body: { count: 3 } })
    const tasks = await Promise.all(
      (answer.body.task_ids as string[]).map(async (id) => (await stand.get(`/tasks/${id}`)).body),
    )
    expect(tasks).toMatchObject([
      { command: 'now', priority: 2, payload: { a: 1 } },
      { command: 'soon', max_retries: 3 },
      { command: 'later', name: 'n', scheduled_at: '2040-01-01T00:00:00.000Z' },
    ])
    const delayMs = Date.parse(tasks[1].scheduled_at) - Date.parse(tasks[0].scheduled_at)
    expect(delayMs).toBe(60_000)
  })

  test('have every field that a single one has', async () => {
    const task = { command: 'x', queue: 'q1', concurrency_key: 'k', labels: ['gpu'], executor: 'http' }
    const url = { url: 'https://example.org/' }
    const single = (await stand.post('/tasks', { ...task, payload: url })).body
    const many = (await submit([{ ...task, payload: url }])).body
    const [one, other] = await Promise.all(
      [single.task_id ?? single.error, many.task_ids?.[0] ?? many.error].map(
        async (id) => (await stand.get(`/tasks/${id}`)).body,
      ),
    )
    const own = { task_id: '', id: '', created_at: '', scheduled_at: '', due_at: '' }
    expect({ ...other, ...own }).toEqual({ ...one, ...own })
    expect(other).toMatchObject({ queue: 'q1', labels: ['gpu'], concurrency_key: 'k' })
  })

  test('may come as {"tasks": […]} or as lines, over REST and tRPC alike', async () => {
    const tasks = [{ command: 'one' }, { command: 'two' }]
    expect((await submit({ tasks })).body.count).toBe(2)
    const sent = await stand.send('/api/tasks/batch', `${lines(...tasks)}\n\n`, NDJSON)
    expect(sent).toMatchObject({ status: 200, body: { count: 2 } })
    expect(await createCaller(stand.services).tasks.submitMany({ tasks })).toMatchObject({ count: 2 })
  })

  test('ten thousand are stored within a second or two, and one more is refused', async () => {
    const tasks = Array.from({ length: 10_000 }, (_, index) => ({
      command: `c${index}`,
      priority: index % 4,
    }))
    const before = await countTasks(stand.sql)
    expect((await submit(tasks)).body.count).toBe(10_000)
    expect(await countTasks(stand.sql)).toBe(before + 10_000)
    const tooMany = [...tasks, { command: 'x' }]
    const fault = 'tasks must be an array of 1 to 10000 tasks'
    refuses(await submit(tooMany), 400, fault, 'invalid')
    refuses(await stand.send('/api/tasks/batch', lines(...tooMany), NDJSON), 400, fault, 'invalid')
    expect(await countTasks(stand.sql)).toBe(before + 10_000)
  })
})

describe('a fault stores nothing and is said with its place and field', () => {
  const good = { command: 'good' }
  test.each<[unknown, string, string]>([
    [{ command: 'x', priority: 'URGENT' }, 'priority must be LOW, ', ''],
    [{}, 'command is required', ''],
    [{ command: 'x', scheduled_at: 'soon' }, 'scheduled_at: Invalid date format. Use ISO 8601 format.', ''],
    [{ command: 'x', payload: 'a\0' }, 'payload must not contain NUL', ''],
    [{ command: 'x', delay_seconds: 1, scheduled_at: '2040-01-01T00:00:00Z' }, 'delay_seconds and ', ''],
    [{ command: 'x', executor: 'http', payload: { url: 7 } }, 'payload.url must be a string', ''],
    [17, 'must be an object', 'the task '],
    [null, 'must be an object', 'the task '],
  ])('%j', async (bad, message, whole) => {
    const before = await countTasks(stand.sql)
    const place = whole ? 'tasks[2] ' : 'tasks[2].'
    const answer = await submit([good, good, bad])
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid' } })
    expect(answer.body.error).toStartWith(place + message)
    const said = await stand.send('/api/tasks/batch', `${lines(good)}\n\n${lines(bad)}\n`, NDJSON)
    expect(said.body.error).toStartWith(`line 3: ${whole}${message}`)
    const viaTrpc = createCaller(stand.services).tasks.submitMany({ tasks: [good, good, bad as typeof good] })
    expect(String(await viaTrpc.catch((error) => error.cause ?? error))).toContain(place + message)
    expect(await countTasks(stand.sql)).toBe(before)
  })

  test('so is a line that is no JSON, an empty list, a body of another type and one that is too large', async () => {
    const broken = await stand.send('/api/tasks/batch', `${lines(good)}\n{"command": `, NDJSON)
    refuses(broken, 400, 'line 2: this is not valid JSON', 'invalid')
    refuses(await submit([]), 400, 'tasks must be an array of 1 to 10000 tasks', 'invalid')
    refuses(await stand.send('/api/tasks/batch', '\n', NDJSON), 400, /^tasks must be/, 'invalid')
    refuses(await submit('x'), 400, 'the body must be a JSON object', 'invalid')
    const text = await stand.send('/api/tasks/batch', '[]', { 'content-type': 'text/plain' })
    refuses(text, 415, 'the body must be application/json', 'invalid')
    const large = await stand.send('/api/tasks/batch', ' '.repeat(16 * 1024 * 1024 + 1), NDJSON)
    refuses(large, 413, 'the body must be at most 16 MiB', 'invalid')
    const headers = { ...NDJSON, 'idempotency-key': 'k' }
    refuses(await stand.send('/api/tasks/batch', lines(good), headers), 400, /own idempotency_key/, 'invalid')
  })
})

describe('idempotency keys of many', () => {
  test('give the same ids again, also when only some were stored before', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((key) => ({ command: key, idempotency_key: `again-${key}` }))
    const first = (await submit([a, b])).body.task_ids
    const before = await countTasks(stand.sql)
    const again = (await submit([c, b, a, c, { command: 'free' }])).body.task_ids
    expect([again[1], again[2]]).toEqual([first[1], first[0]])
    expect(again[3]).toBe(again[0])
    expect(await countTasks(stand.sql)).toBe(before + 2)
    expect((await stand.post('/tasks', c)).body.task_id).toBe(again[0])
  })

  test('that stand for something else refuse everything', async () => {
    await stand.post('/tasks', { command: 'first', idempotency_key: 'held' })
    const before = await countTasks(stand.sql)
    const other = { command: 'other', idempotency_key: 'held' }
    refuses(await submit([{ command: 'x' }, other]), 409, `tasks[1]: ${TAKEN}`, 'conflict')
    const sent = await stand.send('/api/tasks/batch', `\n${lines({ command: 'x' }, other)}`, NDJSON)
    refuses(sent, 409, `line 3: ${TAKEN}`, 'conflict')
    const twice = [
      { command: 'x', idempotency_key: 'twice' },
      { command: 'y', idempotency_key: 'twice' },
    ]
    refuses(await submit(twice), 409, `tasks[1]: ${TAKEN}`, 'conflict')
    expect(await countTasks(stand.sql)).toBe(before)
  })

  test('under which many requests race are stored once, all or none', async () => {
    const before = await countTasks(stand.sql)
    const batch = (kind: string, order: number[]) =>
      order.map((key) => ({ command: kind, idempotency_key: `race-${key}` }))
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        submit(batch(index % 2 ? 'odd' : 'even', index % 3 ? [1, 2, 3] : [3, 2, 1])),
      ),
    )
    const stored = answers.filter(({ status }) => status === 200)
    expect(stored).toHaveLength(10)
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(10)
    expect(new Set(stored.flatMap(({ body }) => body.task_ids)).size).toBe(3)
    expect(await countTasks(stand.sql)).toBe(before + 3)
  })
})
