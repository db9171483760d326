import { beforeAll, expect, test } from 'bun:test'
import { exchange } from '../../support/exchange.ts'
import { createServed, type Served } from '../scheduler/served.ts'

let served: Served

beforeAll(async () => {
  served = await createServed()
})

const HOST = 'Host: localhost'

test.each([
  ['a path behind the name', 'GET /0123456789/api/stats HTTP/1.1\r\nHost: localhost/'],
  ['a query behind the name', 'GET /0123456789/api/stats HTTP/1.1\r\nHost: localhost?'],
  ['a fragment behind the name', 'GET /0123456789/api/stats HTTP/1.1\r\nHost: localhost#'],
  ['a user before the name', 'GET /api/stats HTTP/1.1\r\nHost: evil.example@localhost'],
  ['two hosts', 'GET /api/stats HTTP/1.1\r\nHost: localhost\r\nHost: evil.example'],
  ['an empty host', 'GET /api/stats HTTP/1.1\r\nHost:'],
  ['no host', 'GET /api/stats HTTP/1.1\r\nAccept: */*'],
  ['no host in HTTP/1.0', 'GET /api/stats HTTP/1.0\r\nAccept: */*'],
  ['a port that is no number', 'GET /api/stats HTTP/1.1\r\nHost: localhost:x'],
  ['a method that tunnels', `CONNECT localhost:1 HTTP/1.1\r\n${HOST}`],
])('a request with %s is 400', async (_, head) => {
  const answer = await exchange(served.url, `${head}\r\nConnection: close\r\n\r\n`)
  expect(answer.status).toBe(400)
})

test.each([
  ['origin form', `GET /api/stats HTTP/1.1\r\n${HOST}`],
  ['absolute form', `GET http://localhost/api/stats HTTP/1.1\r\n${HOST}`],
])('a request in %s for a name of loopback is answered', async (_, head) => {
  const answer = await exchange(served.url, `${head}\r\nConnection: close\r\n\r\n`)
  expect(answer.status).toBe(200)
  expect(answer.body).toContain('"total_tasks":0')
})

test('a scheduler that others reach, with no further name allowed, refuses the names of other sites on every path', async () => {
  const open = await createServed({ listensOn: '0.0.0.0' })
  for (const path of [
    '/',
    '/api/tasks',
    '/trpc/stats',
    '/api/logs/stream',
    '/ws',
    '/metrics',
    '/healthz',
    '/nothing',
  ]) {
    const ask = (host: string) =>
      exchange(open.url, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    expect({ path, status: (await ask('rebound.example')).status }).toEqual({ path, status: 403 })
  }
  const probe = await exchange(
    open.url,
    'GET /healthz HTTP/1.1\r\nHost: 10.1.2.3:8081\r\nConnection: close\r\n\r\n',
  )
  expect(probe.status).toBe(200)
})
