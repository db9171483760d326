import { expect, test } from 'bun:test'
import { createServed } from './served.ts'
import { addWorker, countTasks, createStand, refuses } from './stand.ts'

const JSON_BODY = { 'content-type': 'application/json' }
/** What changes something, with a body that it would take. */
const CHANGES = [
  ['/api/schedule', { command: 'x', scheduled_at: '2030-01-01T00:00:00Z' }],
  ['/schedule', { command: 'x', scheduled_at: '2030-01-01T00:00:00Z' }],
  ['/api/schedule/batch', { count: 2 }],
  ['/tasks', { command: 'x' }],
  ['/api/workers/kill', { name: 'w1' }],
  ['/api/workers/scale', { count: 2 }],
  ['/api/tasks/cancel', { all: true }],
  ['/api/queues/mail/pause', {}],
  ['/trpc/queues.pause', { queue: 'mail' }],
  ['/trpc/workers.kill', { name: 'w1' }],
  ['/trpc/tasks.scheduleBatch', { count: 2 }],
] as const

test('no other site can change anything, by whatever route, not even one of another port of this machine', async () => {
  const { send, sql, asked } = await createStand()
  await addWorker(sql, 1, 'w1')
  for (const [path, body] of CHANGES) {
    for (const origin of [
      'http://evil.example',
      'https://localhost.evil.example',
      'null',
      'http://localhost:3000',
    ]) {
      const headers = { ...JSON_BODY, origin, host: 'localhost:8081' }
      refuses(
        await send(path, JSON.stringify(body), headers),
        403,
        /^other sites may not change anything here/,
        'invalid',
      )
    }
  }
  expect(await countTasks(sql)).toBe(0)
  expect(asked).toEqual([])
})

test('our own page may, by whatever name of loopback it was opened, and so may programs', async () => {
  const { send } = await createStand()
  for (const origin of ['http://localhost:8081', 'http://127.0.0.1:8081']) {
    const headers = { ...JSON_BODY, origin, host: 'localhost:8081' }
    expect((await send('/tasks', '{"command":"x"}', headers)).status).toBe(200)
  }
  expect((await send('/tasks', '{"command":"x"}')).status).toBe(200)
})

test('what a form can send is refused wherever a body is read', async () => {
  const { send, sql } = await createStand()
  for (const [path, body] of CHANGES) {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      expect((await send(path, JSON.stringify(body), { 'content-type': type })).status).toBe(415)
    }
  }
  expect(await countTasks(sql)).toBe(0)
})

test('a site that has its own name point to this machine is told nothing and can do nothing', async () => {
  const { url } = await createServed()
  const ask = async (host: string, path: string, init: RequestInit = {}) =>
    (await fetch(`${url}${path}`, { ...init, headers: { ...init.headers, host } })).status
  for (const path of ['/', '/api/tasks', '/trpc/stats', '/api/logs/stream', '/metrics', '/nothing']) {
    expect(await ask('rebound.example', path)).toBe(403)
    expect(await ask('rebound.example:8081', path, { headers: { accept: 'text/html' } })).toBe(403)
  }
  const post = {
    method: 'POST',
    headers: { ...JSON_BODY, origin: 'http://rebound.example' },
    body: '{"command":"x"}',
  }
  expect(await ask('rebound.example', '/tasks', post)).toBe(403)
  expect(await ask('localhost:8081', '/api/tasks')).toBe(200)
})

test('the names that an operator allows are answered', async () => {
  const { get } = await createStand({ hosts: { names: new Set(['tasks.example']), addresses: false } })
  expect((await get('/api/tasks', { host: 'tasks.example' })).status).toBe(200)
  const refused = await get('/api/tasks', { host: 'localhost' })
  refuses(refused, 403, /does not answer to localhost; add that name to ALLOWED_HOSTS/, 'invalid')
})

test('every answer forbids frames, guessed types and scripts that are not ours, refusals too', async () => {
  const { get, send } = await createStand()
  const answers = await Promise.all([
    get('/', { accept: 'text/html' }),
    get('/api/tasks'),
    get('/trpc/stats'),
    get('/nothing'),
    get('/api/status'),
    get('/api/tasks', { host: 'evil.example' }),
    send('/tasks', '', {}),
  ])
  for (const { headers } of answers) {
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/default-src 'none'/)
    expect(policy).toMatch(/script-src 'self'(;|$)/)
    expect(policy).toMatch(/frame-ancestors 'none'/)
  }
})
