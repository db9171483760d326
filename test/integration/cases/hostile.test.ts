import { beforeAll, expect, test } from 'bun:test'
import { connect } from 'node:net'
import type { Random } from '../../../src/cli/chaos/random.ts'
import { randomFor } from '../../support/seed.ts'
import { createServed, type Served } from '../scheduler/served.ts'

/** Requests as no client of ours sends them: each gets an answer that blames its sender, or none. */

let served: Served

beforeAll(async () => {
  served = await createServed({ limits: { bodyTimeoutMs: 1000 } })
})

const PATHS = [
  '/',
  '/api/tasks',
  '/tasks',
  '/tasks/x',
  '/api/tasks/export',
  '/api/tasks/cancel',
  '/api/tasks/discard/preview',
  '/api/tasks/%00/logs',
  '/api/schedule',
  '/api/schedule/batch',
  '/api/tasks/batch',
  '/api/workflows',
  '/api/schedules',
  '/api/schedules/preview',
  '/api/queues/%2e%2e/pause',
  '/api/workers/kill',
  '/api/status',
  '/api/logs/stream',
  '/ws',
  '/trpc/tasks.list',
  '/trpc/tasks.submit,tasks.submit',
  '/trpc/dashboard.live',
  '/trpc/%',
  '/trpc/constructor',
  '/trpc/__proto__.x',
  '/metrics',
  '/../../etc/passwd',
  '/%2e%2e/%2e%2e/etc/passwd',
  '//evil.example/',
  `/${'a/'.repeat(500)}`,
]
const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'PROPFIND',
  'get',
  'GE T',
]
/** Those that get furthest. */
const LIKELY = ['GET', 'POST', 'POST']
const HOSTS = [
  'localhost',
  'localhost:8081',
  'localhost/',
  'evil.example',
  '',
  '[::1]',
  'a@localhost',
  'localhost:99999',
  '\u00e9',
]
const QUERIES = [
  '',
  '?limit=-1',
  '?limit=1e9',
  '?cursor=%00',
  `?q=${'%F0%9F%98%80'.repeat(100)}`,
  `?q=${'x'.repeat(5000)}`,
  `?${Array.from({ length: 500 }, (_, n) => `p${n}=${n}`).join('&')}`,
  '?task_id=%ff%fe',
  '?input=%7B',
  '?batch=1&input=%5B%5D',
  '?batch=1&input=null',
  '?q=%',
  '?state=failed&state=failed',
  '?__proto__=x&constructor=y',
]
const TYPES = [
  'application/json',
  'application/x-ndjson',
  'text/plain',
  'application/json; charset=utf-16',
  'multipart/form-data',
  '',
]
const deep = (open: string, close: string) =>
  `{"command":"x","payload":${open.repeat(5000)}1${close.repeat(5000)}}`
const BODIES: (string | Buffer)[] = [
  '',
  '{',
  'null',
  '[]',
  '"x"',
  '1e400',
  '{"command":"x"}',
  deep('[', ']'),
  deep('{"a":', '}'),
  `{"tasks":[${'{},'.repeat(5000)}{}]}`,
  `{"command":"\\u0000"}`,
  '{"command":"\\ud800"}',
  `{"__proto__":{"command":"x"},"constructor":{"prototype":{"x":1}}}`,
  `{"all":true,"all":false,"__proto__":1}`,
  `{${Array.from({ length: 2000 }, (_, n) => `"k${n}":${n}`).join(',')}}`,
  `{"count":1e308,"delay_seconds":-0,"command":"x"}`,
  `{"name":"s","cron":"${'*/1,'.repeat(40)}* * * *","task":{"command":"x"}}`,
  `{"tasks":[{"key":"a","command":"x","depends_on":["a"]}]}`,
  '{}\n{}\n\n\u2028',
  Buffer.from([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]),
  Buffer.from([0xc3, 0x28, 0xf0, 0x9f]),
  Buffer.alloc(3 * 1024 * 1024, 0x5b),
]
const HEADERS = [
  '',
  'Accept: text/event-stream',
  'trpc-accept: application/jsonl',
  'Last-Event-ID: 99999999999999999999',
  `Idempotency-Key: ${'k'.repeat(300)}`,
  'Origin: http://evil.example',
  'Origin: null',
  'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x',
  'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAAA',
  'Expect: 100-continue',
  'Range: bytes=0-,0-,0-',
  'Content-Encoding: gzip',
  'Transfer-Encoding: gzip, chunked',
  'Content-Length: 5\r\nContent-Length: 6',
  'X-Forwarded-Host: evil.example',
  Array.from({ length: 90 }, (_, n) => `X-H${n}: ${'v'.repeat(50)}`).join('\r\n'),
  'X-Null: a\u0000b',
  ' folded: x',
]

interface Attempt {
  text: string
  statuses: number[]
}

/** Sends one request, or some of it, and reads for a moment; a connection that is left open is closed. */
async function attack({ next, pick: one }: Random): Promise<Attempt> {
  const body = Buffer.from(one(BODIES) as string)
  const isChunked = next() < 0.3
  const lie = next() < 0.1 ? Math.floor((next() - 0.3) * 50) : 0
  const head = [
    `${next() < 0.75 ? one(LIKELY) : one(METHODS)} ${one(PATHS)}${one(QUERIES)} HTTP/1.${next() < 0.05 ? 0 : 1}`,
    `Host: ${next() < 0.85 ? 'localhost' : one(HOSTS)}`,
    `Content-Type: ${next() < 0.8 ? 'application/json' : one(TYPES)}`,
    isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.byteLength + lie}`,
    ...(next() < 0.5 ? [one(HEADERS)] : []),
    'Connection: close',
    '',
    '',
  ].join('\r\n')
  const payload = isChunked
    ? Buffer.concat([
        Buffer.from(`${body.byteLength.toString(16)}\r\n`),
        body,
        Buffer.from(next() < 0.2 ? '\r\nzz\r\n' : '\r\n0\r\n\r\n'),
      ])
    : body
  const parts = [Buffer.from(head), next() < 0.1 ? payload.subarray(0, payload.byteLength >> 1) : payload]
  // Sometimes several at once: what comes behind the first is a request, or part of a body.
  if (next() < 0.1) parts.push(Buffer.from('GET /api/stats HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(20)))
  const { port } = new URL(served.url)
  const { promise, resolve } = Promise.withResolvers<void>()
  const socket = connect(Number(port), '127.0.0.1', () => socket.write(Buffer.concat(parts)))
  let answer = ''
  socket.on('data', (chunk) => {
    if (answer.length < 100_000) answer += chunk.toString('latin1')
  })
  socket.on('error', () => resolve())
  socket.on('close', () => resolve())
  const timer = setTimeout(resolve, 300)
  await promise
  clearTimeout(timer)
  socket.destroy()
  const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
  return { text: head.slice(0, 300), statuses }
}

const COUNT = Number(process.env.HOSTILE_COUNT ?? 400)
const AT_ONCE = 20

test(`${COUNT} hostile requests get no answer that says that we are at fault, and cost nothing that stays`, async () => {
  const faults: Attempt[] = []
  const random = randomFor('hostile requests')
  let left = COUNT
  const work = async () => {
    while (left-- > 0) {
      const attempt = await attack(random)
      if (attempt.statuses.some((status) => status >= 500)) faults.push(attempt)
    }
  }
  Bun.gc(true)
  const before = process.memoryUsage.rss()
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  expect(faults).toEqual([])
  expect(served.logged.filter(({ level }) => level >= 50)).toEqual([])
  expect((await served.get('/api/stats')).status).toBe(200)
  Bun.gc(true)
  const grown = (process.memoryUsage.rss() - before) / 1024 / 1024
  expect(grown).toBeLessThan(400)
}, 600_000)
