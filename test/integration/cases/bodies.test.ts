import { afterAll, beforeAll, expect, test } from 'bun:test'
import { connect, type Socket } from 'node:net'
import { connect as connectDatabase } from '../../../src/shared/store/connect.ts'
import { exchange } from '../../support/exchange.ts'
import { waitFor } from '../../support/wait.ts'
import { createServed, type Served } from '../scheduler/served.ts'
import { countTasks } from '../scheduler/stand.ts'

const MIB = 1024 * 1024

let served: Served
const sockets: Socket[] = []

beforeAll(async () => {
  served = await createServed({ limits: { bodyTimeoutMs: 1500, bodyBytes: 16 * MIB } })
})

afterAll(() => {
  for (const socket of sockets) socket.destroy()
})

const head = (path: string, headers: string[], method = 'POST') =>
  [
    `${method} ${path} HTTP/1.1`,
    'Host: localhost',
    'Content-Type: application/json',
    ...headers,
    '',
    '',
  ].join('\r\n')

/** An upload that has begun and does not go on. */
async function begin(path: string, headers: string[], first = '{') {
  const { port } = new URL(served.url)
  const socket = connect(Number(port), '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => {})
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.write(head(path, headers) + first)
  return { answer: () => answer, isClosed: () => socket.destroyed }
}

const submit = () => served.post('/tasks', { command: 'x' })

test('32 uploads that drip leave every other caller its place, are 408 when their time is over, and store nothing', async () => {
  const before = await countTasks(served.sql)
  const drips = await Promise.all(
    Array.from({ length: 32 }, () => begin('/api/tasks/batch', [`Content-Length: ${16 * MIB}`])),
  )
  const answers = await Promise.all(
    Array.from({ length: 20 }, () =>
      fetch(`${served.url}/tasks`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"command":"x"}',
      }),
    ),
  )
  expect(answers.map(({ status }) => status)).toEqual(Array<number>(20).fill(200))
  await waitFor(() => drips.every(({ isClosed }) => isClosed()), { what: 'the drips to be let go' })
  for (const { answer } of drips) expect(answer()).toStartWith('HTTP/1.1 408 ')
  expect(await countTasks(served.sql)).toBe(before + 20)
})

/** A body that has begun, of every kind that is received. */
const KINDS: Record<string, [path: string, headers: string[]]> = {
  small: ['/tasks', ['Content-Length: 100']],
  large: ['/api/tasks/batch', ['Content-Length: 1000000']],
  'of unknown length': ['/api/workflows', ['Transfer-Encoding: chunked']],
  'that may be left out': ['/api/queues/mail/pause', ['Content-Length: 100']],
  'of a call': ['/trpc/tasks.submit', ['Content-Length: 100']],
  'of a call that asks for events': [
    '/trpc/tasks.submit',
    ['Content-Length: 100', 'Accept: text/event-stream'],
  ],
  'of a subscription': ['/trpc/dashboard.live', ['Content-Length: 100', 'Accept: text/event-stream']],
}

test('a body that does not arrive in time is 408, whatever its kind', async () => {
  const begun = await Promise.all(
    Object.entries(KINDS).map(async ([kind, [path, headers]]) => {
      const isChunked = headers.includes('Transfer-Encoding: chunked')
      return { kind, ...(await begin(path, headers, isChunked ? '1\r\n{\r\n' : '{')) }
    }),
  )
  await waitFor(() => begun.every(({ isClosed }) => isClosed()), { what: 'them to be let go' })
  for (const { kind, answer } of begun) {
    expect({ kind, answer: answer() }).toEqual({
      kind,
      answer: expect.stringMatching(/^HTTP\/1.1 408 [\s\S]*BODY_TIMEOUT/),
    })
  }
})

test('a connection that ends in the middle of a body is not logged as our error', async () => {
  const { port } = new URL(served.url)
  const socket = connect(Number(port), '127.0.0.1')
  await new Promise<void>((resolve) =>
    socket.write(`${head('/tasks', ['Content-Length: 100'])}{"comm`, () => resolve()),
  )
  socket.destroy()
  expect((await submit()).status).toBe(200)
  expect(served.logged.filter(({ level }) => level >= 50)).toEqual([])
})

test('no header lets a body past the bound on what is worked on at once', async () => {
  const own = await createServed({ limits: { bodyBytes: 1000 } })
  const lock = connectDatabase({ ...own.database.settings, poolMax: 1 })
  await lock`BEGIN`
  await lock`LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE`
  const stuck = own.post('/tasks', { command: 'x'.repeat(800) })
  const body = JSON.stringify({ command: 'y'.repeat(800) })
  try {
    const ask = (path: string, headers: string[]) =>
      exchange(
        own.url,
        head(path, [`Content-Length: ${body.length}`, 'Connection: close', ...headers]) + body,
      )
    await waitFor(async () => (await ask('/tasks', [])).status === 429, { what: 'the place to be taken' })
    for (const headers of [
      [],
      ['Accept: text/event-stream'],
      ['Accept: application/json, text/event-stream'],
      ['trpc-accept: application/jsonl'],
      ['Last-Event-ID: 1'],
      ['Upgrade: websocket', 'Connection: Upgrade'],
    ]) {
      for (const path of ['/trpc/tasks.submit', '/trpc/logs.stream', '/tasks', '/api/schedule']) {
        const { status } = await ask(path, headers)
        expect({ path, headers, status }).toEqual({ path, headers, status: 429 })
      }
    }
  } finally {
    await lock`ROLLBACK`
    await lock.end()
  }
  // On a busy machine it waited for the lock for longer than a statement may.
  expect((await stuck).status).toBeOneOf([200, 503])
})

test('a body that would take many times its bytes once it is read is refused before', async () => {
  const body = `{"tasks":[${'{},'.repeat(2_000_000)}{}]}`
  for (const path of ['/api/tasks/batch', '/api/workflows', '/trpc/tasks.submitMany']) {
    const { status, body: answer } = await served.send(path, body)
    expect({ path, status, answer }).toEqual({
      path,
      status: 413,
      answer: { error: 'the body must have at most 1500000 objects, arrays and fields', code: 'invalid' },
    })
  }
})

test('an answer that would be written call by call is written as a whole', async () => {
  const answer = await fetch(`${served.url}/trpc/stats,stats?batch=1`, {
    headers: { 'trpc-accept': 'application/jsonl' },
  })
  expect(answer.headers.get('content-type')).toBe('application/json')
  expect(await answer.json()).toHaveLength(2)
})
