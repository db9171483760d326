import { afterAll, expect, test } from 'bun:test'
import { startSystem } from '../support/system.ts'

const asked: { method: string; path: string; headers: Headers; body: string }[] = []
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  async fetch(request) {
    const { pathname, search } = new URL(request.url)
    asked.push({
      method: request.method,
      path: pathname + search,
      headers: request.headers,
      body: await request.text(),
    })
    if (pathname === '/status') return new Response('as asked', { status: Number(search.slice(1)) })
    if (pathname === '/loop') return Response.redirect('/loop', 302)
    if (pathname === '/to') return Response.redirect(decodeURIComponent(search.slice(1)), 302)
    if (pathname === '/slow') await Bun.sleep(10_000)
    if (pathname === '/large') return new Response('x'.repeat(200_000))
    if (pathname === '/huge')
      return new Response(new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(65_536).fill(120)) }))
    return Response.json({ hello: 'world' }, { headers: { ETag: '"1"', 'X-Secret': 'no' } })
  },
})
afterAll(() => server.stop(true))
const url = `http://127.0.0.1:${server.port}`

const system = await startSystem()
const open = await system.startWorker('open', { HTTP_ALLOW_PRIVATE: '127.0.0.0/8' })

interface Outcome {
  state: string
  error: string | null
  failures: number
  result: { status: number; headers: Record<string, string>; body: unknown } | null
}
async function call(
  command: string,
  payload: object | null = null,
  more: object = {},
): Promise<Outcome & { id: string }> {
  const id = await system.submit({ command, executor: 'http', payload, ...more })
  await system.ended([id])
  return { id, ...(await system.get<Outcome>(`/tasks/${id}`)) }
}

test('a URL is called, and its status, some headers and its body are the result', async () => {
  const { id, state, result } = await call(`${url}/hello?x=1`)
  expect(state).toBe('completed')
  expect(result).toEqual({
    status: 200,
    headers: expect.objectContaining({ etag: '"1"', 'content-type': expect.stringContaining('json') }),
    body: { hello: 'world' },
  })
  expect(result?.headers).not.toHaveProperty('x-secret')
  const { method, path, headers } = asked.at(-1)!
  expect([method, path]).toEqual(['GET', '/hello?x=1'])
  const named = ['taskmaster-task-id', 'taskmaster-attempt', 'idempotency-key'].map((name) =>
    headers.get(name),
  )
  expect(named).toEqual([id, '1', id])
})

test('method, headers and a JSON body are sent as they are said', async () => {
  const headers = { 'X-Mine': 'yes', 'Idempotency-Key': 'order-1', 'Taskmaster-Attempt': '99' }
  await call('create an order', { url: `${url}/orders`, method: 'PUT', headers, body: { items: [1, 2] } })
  const { method, headers: sent, body } = asked.at(-1)!
  expect([method, body]).toEqual(['PUT', '{"items":[1,2]}'])
  expect(sent.get('content-type')).toBe('application/json')
  expect(['x-mine', 'idempotency-key', 'taskmaster-attempt'].map((name) => sent.get(name))).toEqual([
    'yes',
    'order-1',
    '1',
  ])
})

test('another status than is expected is a failure', async () => {
  const { state, error } = await call(`${url}/status?503`)
  expect([state, error]).toEqual(['failed', 'answered with status 503: as asked'])
  expect((await call(`${url}/status?503`, { expect_status: [200, '5xx'] })).state).toBe('completed')
  expect((await call(`${url}/status?204`, { expect_status: 200 })).state).toBe('failed')
})

test('redirects are followed, as many as are allowed', async () => {
  expect((await call(`${url}/to?${encodeURIComponent('/hello')}`)).result?.body).toEqual({ hello: 'world' })
  expect((await call(`${url}/loop`)).error).toBe('redirected more than 5 times')
  expect((await call(`${url}/loop`, { max_redirects: 0, expect_status: 302 })).result?.status).toBe(302)
})

test('a call that takes too long is given up', async () => {
  expect((await call(`${url}/slow`, { timeout_ms: 200 })).error).toBe('no answer in 200 ms')
  expect((await call(`${url}/slow`, null, { timeout_ms: 200 })).error).toBe('timed out after 200 ms')
})

test('a large answer is cut, and an endless one is not read to its end', async () => {
  const { result } = await call(`${url}/large`)
  expect(String(result?.body)).toMatch(/^x{65000,}… \[truncated, \d+ characters left out\]$/)
  expect(String((await call(`${url}/huge`)).result?.body)).toMatch(
    /^x{65000,}… \[truncated, more than \d+ bytes\]$/,
  )
})

test('nobody there is a failure that says so', async () => {
  expect((await call('http://127.0.0.1:1/')).error).toContain('ECONNREFUSED')
})

test('an address that is not public is refused for good, however it is reached', async () => {
  await open.stop()
  await system.startWorker('closed')
  const before = asked.length
  const { port } = server
  for (const host of ['127.0.0.1', 'localhost', '127.1', '2130706433', '[::ffff:127.0.0.1]', '0.0.0.0']) {
    const { error, failures } = await call(`http://${host}:${port}/`, null, { max_retries: 3 })
    expect(error).toContain('is not a public address; HTTP_ALLOW_PRIVATE says what else workers may reach')
    expect(failures).toBe(1)
  }
  expect(asked).toHaveLength(before)
  await system.workers.get('closed')?.stop()
})

test('a redirect into a network that is not allowed is refused', async () => {
  await system.startWorker('narrow', { HTTP_ALLOW_PRIVATE: '127.0.0.1' })
  const { error } = await call(`${url}/to?${encodeURIComponent(`http://127.0.0.2:${server.port}/hello`)}`)
  expect(error).toStartWith('127.0.0.2 is not a public address')
})
