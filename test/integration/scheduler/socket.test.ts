import { afterEach, expect, test } from 'bun:test'
import { waitFor } from '../../support/wait.ts'
import { createServed, type Served } from './served.ts'
import { addWorker, claim, report, typesOf } from './stand.ts'

interface Client {
  socket: WebSocket
  got: ReturnType<typeof JSON.parse>[]
  say(message: unknown): void
}

const open: WebSocket[] = []

afterEach(() => {
  for (const socket of open.splice(0)) socket.close()
})

async function connect(served: Served): Promise<Client> {
  const socket = new WebSocket(`${served.url.replace('http', 'ws')}/ws`)
  open.push(socket)
  const got: Client['got'] = []
  socket.onmessage = ({ data }) => void got.push(JSON.parse(String(data)))
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = reject
  })
  return {
    socket,
    got,
    say: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
  }
}

const hasGot = (client: Client, count: number) =>
  waitFor(() => client.got.length >= count && client.got, { what: `${count} messages` })

const submit = async ({ post }: Served): Promise<string> =>
  (await post('/tasks', { command: 'x' })).body.task_id

test('every event comes as a message', async () => {
  const served = await createServed()
  const clients = [await connect(served), await connect(served)]
  const taskId = await submit(served)
  for (const client of clients) {
    const [event] = await hasGot(client, 1)
    expect(event).toMatchObject({
      type: 'scheduled',
      event: 'task_scheduled',
      task_id: taskId,
      level: 'info',
    })
  }
})

test('{"subscribe": {"task_id": "…"}} narrows to that task, says how it stands, and an empty one widens', async () => {
  const served = await createServed()
  await addWorker(served.sql, 1, 'w1')
  const mine = await submit(served)
  await waitFor(() => served.feed.recent().length === 2, { what: 'the events so far' })
  const client = await connect(served)
  client.say({ subscribe: { task_id: mine.toUpperCase() } })
  expect((await hasGot(client, 1))[0]).toMatchObject({ type: 'scheduled', task_id: mine })

  await submit(served)
  const claimed = await claim(served.sql, 1, 2)
  await report(served.sql, 'completed', 1, claimed)
  const events = await hasGot(client, 4)
  expect(typesOf(events)).toEqual(['scheduled', 'assigned', 'started', 'completed'])
  expect(events.every(({ task_id }) => task_id === mine)).toBe(true)

  client.say({ subscribe: {} })
  const late = await waitFor(
    async () => {
      const taskId = await submit(served)
      await waitFor(() => client.got.some(({ task_id }) => task_id === taskId), {
        what: 'it',
        timeoutMs: 500,
      })
      return taskId
    },
    { what: 'events of any task' },
  )
  expect(late).toBeString()
})

test('a task that has ended already is told at once', async () => {
  const served = await createServed()
  await addWorker(served.sql, 1, 'w1')
  const mine = await submit(served)
  await report(served.sql, 'failed', 1, await claim(served.sql, 1, 1))
  await waitFor(() => served.feed.recent().length === 5, { what: 'the events so far' })
  const client = await connect(served)
  client.say({ subscribe: { task_id: mine } })
  expect((await hasGot(client, 1))[0]).toMatchObject({
    type: 'failed',
    event: 'task_failed',
    task_id: mine,
    attempt: 1,
  })
})

test('the end of a task is told even when its event is one of those only counted', async () => {
  const served = await createServed()
  await addWorker(served.sql, 1, 'w1')
  await served.post('/api/schedule/batch', { count: 1000 })
  const claimed = await claim(served.sql, 1, 1000)
  const client = await connect(served)
  const watched = claimed.slice(-100)
  for (const task_id of watched) client.say({ subscribe: { task_id } })
  await waitFor(() => client.got.length >= 100, { what: 'how each stands' })
  await report(served.sql, 'completed', 1, claimed)
  const ended = await waitFor(
    () => {
      const ends = client.got.filter(({ type }) => type === 'completed')
      return ends.length >= 100 && ends
    },
    { what: 'every end' },
  )
  expect(new Set(ended.map(({ task_id }) => task_id))).toEqual(new Set(watched))
  expect(ended).toHaveLength(100)
})

test.each([
  ['no JSON', 'subscribe!', /JSON/],
  ['no object', '[]', /subscribe/],
  ['something else', '{"unsubscribe": true}', /subscribe/],
  ['a text', '{"subscribe": "x"}', /subscribe/],
  ['a malformed id', '{"subscribe": {"task_id": "x"}}', /task_id/],
  ['a number', '{"subscribe": {"task_id": 5}}', /task_id/],
  ['deep JSON', `${'['.repeat(30_000)}${']'.repeat(30_000)}`, /JSON|subscribe/],
])('a message that is %s gets an error, and the connection stays', async (_, message, naming) => {
  const served = await createServed()
  const client = await connect(served)
  client.say(message)
  const [error] = await hasGot(client, 1)
  expect(error).toEqual({ error: expect.stringMatching(naming), code: 'invalid' })
  const taskId = await submit(served)
  expect((await hasGot(client, 2))[1]).toMatchObject({ task_id: taskId })
  expect(served.logged.filter(({ level }) => level >= 50)).toEqual([])
})

test('an unknown task gets `Task not found`; a hundred and first subscription is too many', async () => {
  const served = await createServed()
  const client = await connect(served)
  client.say({ subscribe: { task_id: '00000000-0000-7000-8000-000000000000' } })
  expect((await hasGot(client, 1))[0]).toEqual({ error: 'Task not found', code: 'not_found' })
  const { body } = await served.post('/api/schedule/batch', { count: 101 })
  await waitFor(() => client.got.length >= 62, { what: 'the events of the batch' })
  for (const task_id of body.task_ids) client.say({ subscribe: { task_id } })
  await waitFor(() => client.got.some(({ code }) => code === 'too_many'), { what: 'a refusal' })
})

test('a page of another site is refused, our own and tools are not', async () => {
  const served = await createServed()
  const upgrade = (headers: Record<string, string>) =>
    fetch(`${served.url}/ws`, {
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      },
    })
  const refused = await upgrade({ Origin: 'https://evil.example' })
  expect(refused.status).toBe(403)
  expect(await refused.json()).toEqual({ error: expect.any(String), code: 'invalid' })
  const plain = await served.get('/ws')
  expect(plain.status).toBe(426)
  const socket = new WebSocket(`${served.url.replace('http', 'ws')}/ws`, {
    headers: { Origin: 'http://localhost:5173' },
  } as unknown as string[])
  open.push(socket)
  await waitFor(() => socket.readyState === WebSocket.OPEN, { what: 'a local page to be let in' })
})

test('stopping closes every connection as going away', async () => {
  const served = await createServed()
  const { socket } = await connect(served)
  const closed = new Promise<number>((resolve) => {
    socket.onclose = ({ code }) => resolve(code)
  })
  await served.server.stop(1000)
  expect(await closed).toBe(1001)
})
