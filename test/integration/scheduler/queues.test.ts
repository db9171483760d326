import { beforeAll, expect, test } from 'bun:test'
import { createCaller } from '../../../src/scheduler/trpc.ts'
import { waitFor } from '../../support/wait.ts'
import { addWorker, claim, createStand, refuses, type Stand } from './stand.ts'

let stand: Stand
beforeAll(async () => {
  stand = await createStand()
  await addWorker(stand.sql, 1, 'w1')
})

const JSON_BODY = { 'content-type': 'application/json' }

async function ask(method: string, path: string, body?: unknown) {
  const init = body === undefined ? { method } : { method, headers: JSON_BODY, body: JSON.stringify(body) }
  const response = await stand.app.request(path, init)
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as ReturnType<typeof JSON.parse>,
  }
}
const edit = (name: string, body: unknown) => ask('PATCH', `/api/queues/${name}`, body)

const UNLIMITED = { concurrency: null, rate: null, per_key: { concurrency: null, rate: null } }

test('a queue is there with its first task, and says what of it is held and what is due', async () => {
  await stand.post('/tasks', { command: 'x', queue: 'reports' })
  await stand.post('/tasks', { command: 'x', queue: 'reports', concurrency_key: 'k' })
  await stand.post('/tasks', { command: 'x', queue: 'reports', delay_seconds: 60 })
  await claim(stand.sql, 1, 1)
  const { body } = await stand.get('/api/queues/reports')
  expect(body).toMatchObject({ name: 'reports', state: 'active', ...UNLIMITED, held: 1, due: 1 })
  const listed = await stand.get('/api/queues')
  expect(listed.body).toContainEqual(body)
  expect(listed.body[0]).toMatchObject({ name: 'default', state: 'active' })
})

test('limits are set, some of them, and lifted again; what is left out stays', async () => {
  const rate = { limit: 100, period_ms: 60_000 }
  const made = await edit('mail', { concurrency: 5, rate, per_key: { concurrency: 1 } })
  expect(made.body).toMatchObject({
    name: 'mail',
    concurrency: 5,
    rate,
    per_key: { concurrency: 1, rate: null },
  })
  const faster = { limit: 2, period_ms: 1000 }
  expect((await edit('mail', { rate: faster })).body).toMatchObject({ concurrency: 5, rate: faster })
  expect((await edit('mail', { per_key: { rate } })).body.per_key).toEqual({ concurrency: 1, rate })
  expect((await edit('mail', { concurrency: null, per_key: { concurrency: null } })).body).toMatchObject({
    ...{ concurrency: null, rate: faster, per_key: { concurrency: null, rate } },
  })
  expect((await edit('mail', { rate: null, per_key: null })).body).toMatchObject(UNLIMITED)
  expect((await edit('mail', {})).body).toMatchObject(UNLIMITED)
})

test('a queue is paused once, by whom is kept, and what watchers see is told once', async () => {
  const before = stand.feed.recent().length
  const paused = await ask('POST', '/api/queues/letters/pause', { by: 'an operator' })
  expect(paused.body).toMatchObject({ name: 'letters', state: 'paused', paused_by: 'an operator' })
  expect((await ask('POST', '/api/queues/letters/pause', { by: 'another' })).body).toEqual(paused.body)
  const resumed = await ask('POST', '/api/queues/letters/resume')
  expect(resumed.body).toMatchObject({ state: 'active', paused_at: null, paused_by: null })
  expect((await ask('POST', '/api/queues/letters/resume')).body).toEqual(resumed.body)
  expect((await ask('POST', '/api/queues/letters/pause')).body).toMatchObject({ paused_by: null })
  const told = await waitFor(
    () => {
      const events = stand.feed.recent().slice(before)
      return events.filter(({ type }) => type.startsWith('queue')).length === 3 && events
    },
    { what: 'the events' },
  )
  const ofQueues = told.filter(({ type }) => type.startsWith('queue'))
  expect(ofQueues.map(({ type, event, level, msg, task_id }) => [type, event, level, msg, task_id])).toEqual([
    ['queue_paused', 'queue_paused', 'info', 'Queue letters paused by an operator', null],
    ['queue_resumed', 'queue_resumed', 'info', 'Queue letters resumed', null],
    ['queue_paused', 'queue_paused', 'info', 'Queue letters paused', null],
  ])
})

test('the default queue can be paused, have a rate and limits per key, but no concurrency of its own', async () => {
  refuses(
    await edit('default', { concurrency: 5 }),
    400,
    'concurrency is not for the queue default: submit what is to be limited to a queue of another name',
    'invalid',
  )
  const rate = { limit: 1000, period_ms: 1000 }
  expect(
    (await edit('default', { concurrency: null, rate, per_key: { concurrency: 2 } })).body,
  ).toMatchObject({
    ...{ name: 'default', concurrency: null, rate, per_key: { concurrency: 2 } },
  })
  expect((await ask('POST', '/api/queues/default/pause')).body).toMatchObject({ state: 'paused' })
  await ask('POST', '/api/queues/default/resume')
  expect((await edit('default', { rate: null, per_key: null })).body).toMatchObject(UNLIMITED)
})

test('what is wrong is refused with its field named, and nothing is changed', async () => {
  const before = (await stand.get('/api/queues')).body
  const whole = (field: string) => `${field} must be a whole number from 1 to 2147483647`
  const cases: [body: unknown, error: string | RegExp][] = [
    [{ concurrency: 0 }, `${whole('concurrency')}, or null`],
    [{ concurrency: 1.5 }, `${whole('concurrency')}, or null`],
    [{ concurrency: '5' }, `${whole('concurrency')}, or null`],
    [{ rate: 5 }, 'rate must be an object such as {"limit": 100, "period_ms": 60000}, or null'],
    [{ rate: { limit: 0, period_ms: 1000 } }, whole('rate.limit')],
    [{ rate: { limit: 5 } }, 'rate.period_ms must be a whole number from 10 to 86400000'],
    [{ rate: { limit: 5, period_ms: 1 } }, 'rate.period_ms must be a whole number from 10 to 86400000'],
    [{ per_key: 1 }, 'per_key must be an object such as {"concurrency": 1}, or null'],
    [{ per_key: { concurrency: -1 } }, `${whole('per_key.concurrency')}, or null`],
    [
      { per_key: { rate: { limit: 1, period_ms: 99_999_999 } } },
      /^per_key\.rate\.period_ms must be a whole number/,
    ],
    [[], 'the body must be a JSON object'],
  ]
  for (const [body, error] of cases) refuses(await edit('mail', body), 400, error, 'invalid')
  refuses(await edit('a%20b', {}), 400, /^queue must begin with a letter or digit and have only/, 'invalid')
  refuses(await edit('x'.repeat(101), {}), 400, 'queue must be at most 100 characters', 'invalid')
  refuses(await ask('POST', '/api/queues/mail/pause', { by: '' }), 400, 'by must not be empty', 'invalid')
  refuses(
    await ask('POST', '/api/queues/mail/pause', { by: 'x'.repeat(256) }),
    400,
    /^by must be at most 255/,
    'invalid',
  )
  refuses(await ask('GET', '/api/queues/nobody'), 404, 'Queue not found', 'not_found')
  refuses(await ask('POST', '/api/queues/nobody/resume'), 404, 'Queue not found', 'not_found')
  refuses(
    await ask('DELETE', '/api/queues/mail'),
    405,
    /^method not allowed; use GET or HEAD or PATCH/,
    'invalid',
  )
  expect((await stand.get('/api/queues')).body).toEqual(before)
})

test('tRPC does the same', async () => {
  const { queues } = createCaller(stand.services)
  expect(await queues.edit({ queue: 'typed', concurrency: 3 })).toMatchObject({
    name: 'typed',
    concurrency: 3,
  })
  expect(await queues.pause({ queue: 'typed', by: 'me' })).toMatchObject({ state: 'paused', paused_by: 'me' })
  expect(await queues.resume({ queue: 'typed' })).toMatchObject({ state: 'active' })
  expect((await queues.list()).map(({ name }) => name)).toContain('typed')
  expect(await queues.get({ queue: 'typed' })).toEqual((await stand.get('/api/queues/typed')).body)
  await expect(queues.get({ queue: 'nobody' })).rejects.toThrow('Queue not found')
  await expect(queues.edit({ queue: '/', concurrency: 3 })).rejects.toThrow()
})

test('each queue has its figures in the metrics, a hundred queues at most', async () => {
  await ask('POST', '/api/queues/letters/pause')
  const { body } = await stand.get('/metrics')
  expect(body).toContain('\ntaskmaster_queue_held{queue="reports"} 1\n')
  expect(body).toContain('\ntaskmaster_queue_due{queue="reports"} 1\n')
  expect(body).toContain('\ntaskmaster_queue_paused{queue="letters"} 1\n')
  expect(body).toContain('\ntaskmaster_queue_paused{queue="reports"} 0\n')
  await stand.sql`INSERT INTO queues (name) SELECT 'q' || n FROM generate_series(1, 200) AS n`
  const many = (await stand.get('/metrics')).body as string
  expect(many.match(/^taskmaster_queue_held\{/gm)).toHaveLength(100)
})
