import { afterAll, expect, test } from 'bun:test'
import { createGuard } from '../../../src/worker/executors/http/addresses.ts'
import { ask } from '../../../src/worker/executors/http/request.ts'

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request) => new Response(request.headers.get('host')),
})
afterAll(() => server.stop(true))

const get = (host: string, addresses: string[][], allowed: string[] = ['127.0.0.1']) =>
  ask(
    { url: new URL(`http://${host}:${server.port}/`), method: 'GET', headers: {}, body: null },
    {
      guard: createGuard(allowed),
      // What the name leads to changes from one look to the next.
      resolve: async () => addresses.shift() ?? ['203.0.113.1'],
      maxBytes: 1000,
      signal: AbortSignal.timeout(5000),
    },
  )

test('the address that was looked at is the one that is connected to, whatever the name leads to by then', async () => {
  const looks = [['127.0.0.1'], ['203.0.113.1']]
  const { status, body } = await get('rebound.example', looks)
  expect([status, body.toString()]).toEqual([200, `rebound.example:${server.port}`])
  expect(looks).toHaveLength(1)
})

test('a name of which one address is not allowed is refused', async () => {
  expect(get('mixed.example', [['127.0.0.1', '10.0.0.1']])).rejects.toThrow(
    'mixed.example (10.0.0.1) is not a public address',
  )
})

test('a name without an address is a failure', async () => {
  expect(get('empty.example', [[]])).rejects.toThrow('empty.example has no address')
})
