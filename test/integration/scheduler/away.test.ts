import { afterEach, expect, test } from 'bun:test'
import { testServer } from '../../support/database.ts'
import { waitFor } from '../../support/wait.ts'
import { createProxy, type TcpProxy } from './proxy.ts'
import { createServed, openStream, type Served, waitForMessages } from './served.ts'
import { addWorker, claim, report } from './stand.ts'

const open: { proxy: TcpProxy; served: Served }[] = []

// The pool ends before its way to the database does: postgres.js lets an error go unhandled when a connection
// that is just being made is cut.
afterEach(async () => {
  for (const { proxy, served } of open.splice(0)) {
    await served.end()
    await proxy.close()
  }
})

async function createAway() {
  const proxy = await createProxy(testServer())
  const served = await createServed({ through: proxy })
  open.push({ proxy, served })
  return { proxy, served }
}

test('while the database is away every route says so with 503 and Retry-After, and then works again', async () => {
  const { proxy, served } = await createAway()
  expect((await served.post('/tasks', { command: 'x' })).status).toBe(200)
  await proxy.close()

  const id = '00000000-0000-7000-8000-000000000000'
  const gets = ['/api/tasks', '/tasks', `/tasks/${id}`, `/api/status?task_id=${id}`, '/api/stats', '/workers']
  const answers = await Promise.all([
    ...gets.map((path) => served.get(path)),
    served.post('/tasks', { command: 'x' }),
    served.post('/api/schedule', { command: 'x', scheduled_at: '2023-12-24T17:04:00Z' }),
    served.post('/api/schedule/batch', {}),
    served.post('/api/workers/kill', { name: 'w1' }),
  ])
  for (const { status, body, headers } of answers) {
    expect(body).toEqual({ error: 'The database is not available. Try again shortly.', code: 'unavailable' })
    expect(status).toBe(503)
    expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0)
  }
  expect((await served.get('/healthz')).status).toBe(200)
  const metrics = await served.get('/metrics')
  expect(metrics.status).toBe(200)
  expect(metrics.body).not.toContain('taskmaster_tasks_pending')
  const ready = await served.get('/readyz')
  expect(ready.status).toBe(503)
  expect(ready.body.missing).toContain('database')
  expect((await served.get('/metrics')).body).toContain('taskmaster_health{component="database"} 0\n')
  expect((await served.get('/api/logs')).status).toBe(200)
  expect(served.logged.filter(({ level }) => level >= 50)).toEqual([])

  await proxy.open()
  await waitFor(async () => (await served.post('/tasks', { command: 'x' })).status === 200, {
    what: 'the database',
  })
})

test('events go on after the database was away, and the gap is shown', async () => {
  const { proxy, served } = await createAway()
  const stream = await openStream(`${served.url}/api/logs/stream`)
  await served.post('/tasks', { command: 'x' })
  await waitForMessages(stream, 1)
  await proxy.close()
  await proxy.open()
  await waitFor(() => stream.messages().some(({ data }) => data.type === 'gap'), { what: 'the gap' })
  const { body } = await waitFor(
    async () => {
      const answer = await served.post('/tasks', { command: 'y' })
      return answer.status === 200 && answer
    },
    { what: 'the database' },
  )
  const told = await waitFor(() => stream.messages().find(({ data }) => data.task_id === body.task_id), {
    what: 'its event',
  })
  expect(told.data.type).toBe('scheduled')
  expect(stream.messages().find(({ data }) => data.type === 'gap')?.data).toMatchObject({
    event: 'feed_gap',
    level: 'error',
    task_id: null,
  })
  stream.close()
})

test('whoever watches a task is told its end even if it came while the database was away', async () => {
  const { proxy, served } = await createAway()
  await addWorker(served.sql, 1, 'w1')
  const { body } = await served.post('/tasks', { command: 'x' })
  await waitFor(() => served.feed.recent().length === 2, { what: 'the events so far' })
  const socket = new WebSocket(`${served.url.replace('http', 'ws')}/ws`)
  const types: string[] = []
  socket.onmessage = ({ data }) => void types.push(JSON.parse(String(data)).type)
  await waitFor(() => socket.readyState === WebSocket.OPEN, { what: 'the connection' })
  socket.send(JSON.stringify({ subscribe: { task_id: body.task_id } }))
  await waitFor(() => types.includes('scheduled'), { what: 'how it stands' })
  await proxy.close()
  await report(served.sql, 'completed', 1, await claim(served.sql, 1, 1))
  await proxy.open()
  await waitFor(() => types.at(-1) === 'completed', { what: 'its end' })
  socket.close()
})
