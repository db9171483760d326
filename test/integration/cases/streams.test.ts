import { afterAll, beforeAll, expect, test } from 'bun:test'
import { waitFor } from '../../support/wait.ts'
import { createServed, type Served } from '../scheduler/served.ts'

const MOST = 4

let served: Served
let taskId: string
const closers: (() => void)[] = []
const answers: Response[] = []

beforeAll(async () => {
  served = await createServed({ limits: { streamsPerCaller: MOST } })
  taskId = (await served.post('/tasks', { command: 'x' })).body.task_id
})

afterAll(() => {
  for (const close of closers) close()
})

const input = (value: object) => encodeURIComponent(JSON.stringify(value))
const SSE = { accept: 'text/event-stream' }

/** Everything that stays open, by what it is. */
const KINDS: Record<string, () => string> = {
  'the feed': () => '/api/logs/stream',
  'what a task says': () => `/api/tasks/${taskId}/logs/stream`,
  'the dashboard': () => '/trpc/dashboard.live',
  'the events of a task': () => `/trpc/logs.stream?input=${input({ task_id: taskId })}`,
  'the ends of tasks': () => `/trpc/tasks.watch?input=${input({ task_ids: [taskId] })}`,
  'the lines of a task': () => `/trpc/tasks.followLogs?input=${input({ task_id: taskId })}`,
  'a name in other words': () => '/trpc/logs%2Estream?input=%7B%7D',
}

/** @returns the status, and what closes it */
async function open(path: string) {
  const abort = new AbortController()
  const answer = await fetch(`${served.url}${path}`, { headers: SSE, signal: abort.signal })
  // Whoever lets go of an answer may let go of its connection with it.
  answers.push(answer)
  closers.push(() => abort.abort())
  return { status: answer.status, close: () => abort.abort() }
}

async function openSocket() {
  const socket = new WebSocket(`${served.url.replace('http', 'ws')}/ws`)
  closers.push(() => socket.close())
  const opened = await new Promise<boolean>((resolve) => {
    socket.onopen = () => resolve(true)
    socket.onerror = () => resolve(false)
  })
  return { socket, opened }
}

test('no caller holds more streams open than it may, of whatever kind, and each that ends makes room', async () => {
  for (const [kind, path] of Object.entries(KINDS)) {
    const all = await Promise.all(Array.from({ length: MOST }, () => open(path())))
    expect({ kind, statuses: all.map(({ status }) => status) }).toEqual({
      kind,
      statuses: Array(MOST).fill(200),
    })
    const further = await fetch(`${served.url}${path()}`, { headers: SSE })
    expect({ kind, status: further.status, body: await further.json() }).toEqual({
      kind,
      status: 429,
      body: { error: `at most ${MOST} streams may be open from one address`, code: 'too_many' },
    })
    expect((await openSocket()).opened).toBe(false)
    for (const { close } of all) close()
    await waitFor(() => served.services.streams.size === 0, { what: `room after ${kind}` })
  }
})

test('WebSockets count among them, and make room when they close', async () => {
  const sockets = await Promise.all(Array.from({ length: MOST }, openSocket))
  expect(sockets.map(({ opened }) => opened)).toEqual(Array(MOST).fill(true))
  expect((await openSocket()).opened).toBe(false)
  expect((await open('/api/logs/stream')).status).toBe(429)
  for (const { socket } of sockets) socket.close()
  await waitFor(() => served.services.streams.size === 0, { what: 'room' })
})

test('a read export makes room by itself', async () => {
  for (let turn = 0; turn <= MOST; turn++) {
    const answer = await fetch(`${served.url}/api/tasks/export`)
    expect(await answer.text()).toContain(taskId)
  }
  expect(served.services.streams.size).toBe(0)
})

test('a socket that says more than is listened to is let go, and others do not notice', async () => {
  const { socket } = await openSocket()
  const closed = new Promise<number>((resolve) => {
    socket.onclose = ({ code }) => resolve(code)
  })
  const before = performance.now()
  for (let n = 0; n < 20_000; n++) {
    socket.send(JSON.stringify({ subscribe: { task_id: crypto.randomUUID() } }))
  }
  expect((await served.get('/api/stats')).status).toBe(200)
  expect(await closed).toBe(1008)
  expect(performance.now() - before).toBeLessThan(5000)
})

test('a socket that subscribes again to what it has, or to too much, costs no look at a task', async () => {
  const { tasks } = served.services
  const { get } = tasks
  let looks = 0
  tasks.get = (id) => {
    looks++
    return get(id)
  }
  const { socket } = await openSocket()
  const got: { code?: string }[] = []
  socket.onmessage = ({ data }) => got.push(JSON.parse(data as string))
  const { body } = await served.post('/api/schedule/batch', { count: 101 })
  const say = (id: string) => socket.send(JSON.stringify({ subscribe: { task_id: id } }))
  for (const id of body.task_ids) say(id)
  await waitFor(() => got.some(({ code }) => code === 'too_many'), { what: 'a refusal' })
  for (let n = 0; n < 200; n++) say(body.task_ids[n % 100])
  say('no id')
  await waitFor(() => got.some(({ code }) => code === 'invalid'), { what: 'the last answer' })
  expect(looks).toBe(100)
  tasks.get = get
})
