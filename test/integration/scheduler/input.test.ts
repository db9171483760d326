import { beforeAll, describe, expect, test } from 'bun:test'
import { countTasks, createStand, type Stand } from './stand.ts'

/** Whatever is sent, the answer is a clear 4xx: nothing is stored and nothing is logged as an error of ours. */

const MIB = 1024 * 1024
const AT = '2023-12-24T17:04:00Z'
const DEEP = 100_000

let stand: Stand

beforeAll(async () => {
  stand = await createStand()
})

async function refused(status: number, naming: RegExp, send: () => ReturnType<Stand['send']>) {
  const answer = await send()
  expect(answer.body).toEqual({ error: expect.stringMatching(naming), code: 'invalid' })
  expect(answer.status).toBe(status)
  expect(await countTasks(stand.sql)).toBe(0)
  expect(stand.logged.filter(({ level }) => level >= 50)).toEqual([])
}

const deepJson = `${'['.repeat(DEEP)}${']'.repeat(DEEP)}`
const nested = (depth: number): unknown => (depth === 0 ? 1 : { in: nested(depth - 1) })

describe.each(['/api/schedule', '/schedule', '/api/schedule/batch', '/tasks'])('POST %s refuses', (path) => {
  test.each([
    ['no JSON', '{"command":', /JSON/],
    ['an empty body', '', /JSON/],
    ['an array', '[]', /object/],
    ['null', 'null', /object/],
    ['a text', '"command"', /object/],
    ['a NUL byte', '{"command":"a\0b"}', /JSON/],
    ['deep JSON', deepJson, /JSON|object/],
  ])('%s', async (_, body, naming) => {
    await refused(400, naming, () => stand.send(path, body))
  })

  test('bytes that are no UTF-8', async () => {
    await refused(400, /UTF-8/, () => stand.send(path, new Uint8Array([0x7b, 0xff, 0x7d])))
  })

  test.each([
    ['text/plain'],
    ['application/x-www-form-urlencoded'],
    ['multipart/form-data; boundary=x'],
    ['application/jsonp'],
    [''],
  ])('a body of type "%s" with 415', async (type) => {
    const body = JSON.stringify({ command: 'x', scheduled_at: AT })
    await refused(415, /application\/json/, () => stand.send(path, body, { 'content-type': type }))
  })

  const limit = path.endsWith('batch') ? 16 * MIB : MIB

  test('an oversized body with 413, by its declared length', async () => {
    const headers = { 'content-type': 'application/json', 'content-length': String(limit + 1) }
    await refused(413, /MiB/, () => stand.send(path, '{}', headers))
  })

  test('an oversized body with 413, without reading on', async () => {
    let sent = 0
    const endless = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(MIB).fill(32))
        sent += MIB
      },
    })
    await refused(413, /MiB/, () => stand.send(path, endless))
    expect(sent).toBeLessThan(limit + 8 * MIB)
  })

  const required = { command: 'x', scheduled_at: AT }
  test.each([
    ['command', { ...required, command: 5 }],
    ['command', { ...required, command: { toString: 'x' } }],
    ['command', { ...required, command: ['x'] }],
    ['command', { ...required, command: 'a\0b' }],
    ['command', { ...required, command: 'a\ud800b' }],
    ['command', { ...required, command: 'x'.repeat(65_537) }],
    ['name', { ...required, name: 5 }],
    ['name', { ...required, name: 'a\0' }],
    ['name', { ...required, name: 'x'.repeat(256) }],
    ['description', { ...required, description: {} }],
    ['description', { ...required, description: 'x'.repeat(10_001) }],
    ['priority', { ...required, priority: 'URGENT' }],
    ['priority', { ...required, priority: 'toString' }],
    ['priority', { ...required, priority: 32_768 }],
    ['priority', { ...required, priority: -32_769 }],
    ['priority', { ...required, priority: 1.5 }],
    ['priority', { ...required, priority: '' }],
    ['priority', { ...required, priority: true }],
    ['executor', { ...required, executor: 'shell; rm -rf /' }],
    ['executor', { ...required, executor: 5 }],
    ['max_retries', { ...required, max_retries: -1 }],
    ['max_retries', { ...required, max_retries: 32_768 }],
    ['max_retries', { ...required, max_retries: '3' }],
    ['max_retries', { ...required, max_retries: 1.5 }],
    ['payload', { ...required, payload: { text: 'a\0b' } }],
    ['payload', { ...required, payload: { 'a\0b': 1 } }],
    ['payload', { ...required, payload: ['\udfff'] }],
    ['payload', { ...required, payload: nested(33) }],
    ['payload', { ...required, payload: 'x'.repeat(262_145) }],
  ])('a wrong %s: %#', async (field, body) => {
    await refused(400, new RegExp(field), () => stand.post(path, body))
  })

  test('a payload with numbers beyond all range', async () => {
    const body = `{"command":"x","scheduled_at":"${AT}","payload":{"n":1e999}}`
    await refused(400, /payload/, () => stand.send(path, body))
  })
})

describe('POST /api/schedule refuses', () => {
  test.each([
    '0000-00-00T00:00:00Z',
    '1969-12-31T23:59:59Z',
    '+010000-01-01T00:00:00Z',
    '2023-13-01T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '2023-12-24T24:00:00Z',
    '2023-12-24T22:60:00Z',
    '2023-12-24T22:34:00+25:00',
    '2023-12-24T22:34:00Z\0',
    ' 2023-12-24T22:34:00Z',
    "2023-12-24T22:34:00Z'; DROP TABLE tasks; --",
    '',
    'infinity',
    'now',
    {},
    true,
  ])('the time %j', async (scheduled_at) => {
    const naming = /Invalid date format. Use ISO 8601 format.|scheduled_at/
    await refused(400, naming, () => stand.post('/api/schedule', { command: 'x', scheduled_at }))
  })
})

describe('POST /api/schedule/batch refuses', () => {
  test.each([
    ['delay_seconds', { delay_seconds: '5' }],
    ['delay_seconds', { delay_seconds: 1e300 }],
    ['delay_seconds', { delay_seconds: -0.001 }],
    ['command', { command: '' }],
    ['count', { count: 1000, command: 'x'.repeat(20_000) }],
    ['count', { count: 100, payload: 'x'.repeat(200_000) }],
  ])('a wrong %s: %#', async (field, body) => {
    await refused(400, new RegExp(field), () => stand.post('/api/schedule/batch', body))
  })
})

describe('GET refuses', () => {
  const PARAMETERS = [
    '%00',
    '%27%3B%20DROP%20TABLE%20tasks%3B--',
    '%FF',
    '../../etc/passwd',
    '9'.repeat(5000),
  ]
  test.each(PARAMETERS)('a task id of %p', async (value) => {
    await refused(400, /task_id/, () => stand.get(`/api/status?task_id=${value}`))
    expect((await stand.get(`/tasks/${value}`)).status).toBe(404)
  })

  test.each(PARAMETERS)('a limit, cursor and state of %p', async (value) => {
    for (const name of ['limit', 'cursor', 'state']) {
      await refused(400, new RegExp(name), () => stand.get(`/api/tasks?${name}=${value}`))
    }
  })

  test.each([
    ['a time that is none', '2023-13-45 99:00:00+00|00000000-0000-7000-8000-000000000000'],
    ['a year beyond all', '99999-01-01 00:00:00+00|00000000-0000-7000-8000-000000000000'],
    ['SQL', "' OR 1=1 --"],
  ])('a cursor that holds %s', async (_, text) => {
    const cursor = Buffer.from(text).toString('base64url')
    await refused(400, /cursor/, () => stand.get(`/api/tasks?cursor=${cursor}`))
  })
})

test('SQL metacharacters are stored and searched for as they are', async () => {
  const own = await createStand()
  const command = `'; DROP TABLE tasks; -- " \\ % _ $1 {} \u2028 🚀`
  const { body } = await own.post('/tasks', { command, name: command, payload: { [command]: command } })
  const { body: task } = await own.get(`/tasks/${body.task_id}`)
  expect(task).toMatchObject({ command, name: command, payload: { [command]: command } })
  const { body: found } = await own.get(`/api/tasks?q=${encodeURIComponent(command)}`)
  expect(found).toHaveLength(1)
  expect((await own.get('/api/tasks?q=%25DROP')).body).toEqual([])
})

test('one task that PostgreSQL refuses does not take down those inserted with it', async () => {
  const own = await createStand()
  await own.sql`ALTER TABLE task_records ADD CONSTRAINT no_poison CHECK (command <> 'poison')`
  const commands = ['a', 'b', 'poison', 'c', 'd']
  const answers = await Promise.all(commands.map((command) => own.post('/tasks', { command })))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 500, 200, 200])
  expect(await countTasks(own.sql)).toBe(4)
  const { body } = answers[2]!
  expect(body).toEqual({ error: expect.stringContaining(body.id), code: 'internal', id: expect.any(String) })
  expect(JSON.stringify(body)).not.toContain('no_poison')
  expect(own.logged.find(({ level }) => level === 50)).toMatchObject({ id: body.id, msg: 'Internal error' })
})

test('a batch that PostgreSQL refuses stores none of its tasks', async () => {
  const own = await createStand()
  await own.sql`
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF (SELECT count(*) FROM tasks) >= 5 THEN RAISE 'too many'; END IF; RETURN NULL; END $$`
  await own.sql`CREATE TRIGGER refuse AFTER INSERT ON task_records FOR EACH ROW EXECUTE FUNCTION refuse()`
  expect((await own.post('/api/schedule/batch', { count: 10 })).status).toBe(503)
  expect(await countTasks(own.sql)).toBe(0)
})
