import { expect, test } from 'bun:test'
import { connect } from 'node:net'
import { EventSource } from 'eventsource'
import { waitFor } from '../../support/wait.ts'
import { createServed, openStream, waitForMessages } from './served.ts'
import { addWorker, claim, report, typesOf } from './stand.ts'

const submit = async ({
  post,
}: {
  post: (path: string, body: unknown) => Promise<{ body: { task_id: string } }>
}) => (await post('/tasks', { command: 'x' })).body.task_id

test('a stream gives the backlog, then what comes, as `id:` and `data:` without `event:`', async () => {
  const served = await createServed()
  const first = await submit(served)
  await waitFor(() => served.feed.recent().length === 1, { what: 'the first event' })

  const stream = await openStream(`${served.url}/api/logs/stream`)
  await waitForMessages(stream, 1)
  const second = await submit(served)
  const messages = await waitForMessages(stream, 2)

  expect(stream.headers.get('content-type')).toBe('text/event-stream')
  expect(messages.map(({ data }) => data.task_id)).toEqual([first, second])
  expect(messages.every(({ id, data }) => data.id === id)).toBe(true)
  expect(stream.text()).not.toContain('event:')
  stream.close()
})

test('a whole life is told in order, with the worker by name', async () => {
  const served = await createServed()
  await addWorker(served.sql, 4_294_967_295, 'w-max')
  const stream = await openStream(`${served.url}/api/logs/stream`)
  const taskId = await submit(served)
  await claim(served.sql, 4_294_967_295, 1)
  await report(served.sql, 'started', 4_294_967_295, [taskId])
  await report(served.sql, 'completed', 4_294_967_295, [taskId])

  const events = (await waitForMessages(stream, 5)).map(({ data }) => data)
  expect(typesOf(events)).toEqual(['worker_online', 'scheduled', 'assigned', 'started', 'completed'])
  expect(events[4]).toMatchObject({
    event: 'task_completed',
    level: 'success',
    task_id: taskId,
    worker_id: 4_294_967_295,
    worker: 'w-max',
    attempt: 1,
  })
  stream.close()
})

test('a task whose start was not reported apart is told as started before it ends', async () => {
  const served = await createServed()
  await addWorker(served.sql, 1, 'w1')
  const stream = await openStream(`${served.url}/api/logs/stream`)
  const taskId = await submit(served)
  await claim(served.sql, 1, 1)
  await report(served.sql, 'failed', 1, [taskId])

  const events = (await waitForMessages(stream, 5)).map(({ data }) => data)
  expect(typesOf(events)).toEqual(['worker_online', 'scheduled', 'assigned', 'started', 'failed'])
  expect(events[4]).toMatchObject({ level: 'error', msg: expect.stringContaining('it broke') })
  stream.close()
})

test('many changes at once are a sample and one event that counts the others', async () => {
  const served = await createServed()
  const stream = await openStream(`${served.url}/api/logs/stream`)
  await served.post('/api/schedule/batch', { count: 1000 })
  const messages = await waitForMessages(stream, 61)
  expect(messages).toHaveLength(61)
  expect(messages[60]?.data).toMatchObject({
    type: 'scheduled',
    task_id: null,
    msg: '940 more tasks scheduled',
    count: 940,
  })
  stream.close()
})

test('`Last-Event-ID` resumes without gap or repeat, by EventSource itself too', async () => {
  const served = await createServed()
  const first = await openStream(`${served.url}/api/logs/stream`)
  await served.post('/api/schedule/batch', { count: 30 })
  const before = await waitForMessages(first, 30)
  first.close()
  await served.post('/api/schedule/batch', { count: 30 })

  for (const seen of [0, 10, 29]) {
    const resumed = await openStream(`${served.url}/api/logs/stream`, {
      'Last-Event-ID': String(before[seen]?.id),
    })
    await submit(served)
    const after = await waitForMessages(resumed, 29 - seen + 31)
    const ids = after.map(({ id }) => id)
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b))
    expect(ids.slice(0, 29 - seen)).toEqual(before.slice(seen + 1).map(({ id }) => id))
    expect(typesOf(after.map(({ data }) => data))).not.toContain('gap')
    resumed.close()
  }

  const seenBySource: string[] = []
  const source = new EventSource(`${served.url}/api/logs/stream`)
  source.onmessage = ({ lastEventId }) => void seenBySource.push(lastEventId)
  await waitFor(() => seenBySource.length >= 60, { what: 'the backlog' })
  expect(new Set(seenBySource).size).toBe(seenBySource.length)
  source.close()
})

test.each([
  ['older than what is held', () => '1'],
  ['of another scheduler', () => '9007199254740991'],
])('an id %s is answered with a gap that is shown, and the backlog', async (_, id) => {
  const served = await createServed({ maxEvents: 5, resumeEvents: 5 })
  await served.post('/api/schedule/batch', { count: 60 })
  await waitFor(() => served.feed.recent().length === 5, { what: 'the backlog' })
  const stream = await openStream(`${served.url}/api/logs/stream`, { 'Last-Event-ID': id() })
  const messages = await waitForMessages(stream, 6)
  expect(typesOf(messages.map(({ data }) => data))).toEqual(['gap', ...Array(5).fill('scheduled')])
  expect(messages[0]!.id).toBeLessThan(messages[1]!.id)
  stream.close()
})

test('what was missed while nobody listened can be resumed or is shown as a gap', async () => {
  const served = await createServed({ maxEvents: 100, resumeEvents: 100 })
  const stream = await openStream(`${served.url}/api/logs/stream`)
  await submit(served)
  const [last] = await waitForMessages(stream, 1)
  stream.close()
  // More than twice what is held, so that notices are let go of unread.
  for (let batch = 0; batch < 8; batch++) await served.post('/api/schedule/batch', { count: 60 })
  const newest = await submit(served)
  await waitFor(() => served.feed.recent().some(({ task_id }) => task_id === newest), { what: 'the newest' })
  const resumed = await openStream(`${served.url}/api/logs/stream`, { 'Last-Event-ID': String(last!.id) })
  const messages = await waitForMessages(resumed, 101)
  expect(messages[0]?.data.type).toBe('gap')
  expect(messages.slice(1).every(({ data }) => data.type === 'scheduled')).toBe(true)
  resumed.close()
})

test('an idle stream is kept open by comments', async () => {
  const served = await createServed({ keepAliveMs: 20 })
  const stream = await openStream(`${served.url}/api/logs/stream`)
  await waitFor(() => stream.text().split(': keep-alive\n\n').length > 3, { what: 'three comments' })
  await submit(served)
  await waitForMessages(stream, 1)
  stream.close()
})

test('a client that does not read is given a gap, not a queue without bound', async () => {
  const served = await createServed({ maxEvents: 200, resumeEvents: 200 })
  const { hostname, port } = new URL(served.url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.pause()
  socket.write(`GET /api/logs/stream HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`)
  // A second reader tells when everything has gone through the feed.
  const reader = await openStream(`${served.url}/api/logs/stream`)
  // Enough to fill every buffer between: those of both sockets hold megabytes.
  for (let batch = 0; batch < 1000; batch++) {
    await served.sql`
      SELECT pg_notify('taskmaster_events', json_build_object('type', 'scale', 'count', 60, 'at', 0, 'rows',
        (SELECT json_agg(json_build_array(NULL, NULL, NULL, NULL, NULL, repeat('x', 80))) FROM generate_series(1, 60)))::text)`
  }
  await submit(served)
  await waitFor(() => reader.text().includes('"type":"scheduled"'), { what: 'the last event' })
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  socket.resume()
  await waitFor(() => text.includes('"type":"scheduled"'), { what: 'the last event, read late' })
  expect(text).toContain('events were not sent: this connection is too slow')
  expect(text.split('data: ').length).toBeLessThan(60_000)
  reader.close()
  socket.destroy()
}, 30_000)

test('scaling and killing workers is told to everybody', async () => {
  const served = await createServed()
  await addWorker(served.sql, 3, 'w3')
  await served.post('/api/workers/scale', { count: 5 })
  await served.post('/api/workers/kill', { name: 'w3' })
  const events = await waitFor(() => served.feed.recent().length === 3 && served.feed.recent(), {
    what: 'three events',
  })
  expect(events[1]).toMatchObject({ type: 'scale', event: 'worker_scale', msg: 'Scaled to 5 workers' })
  expect(events[2]).toMatchObject({ type: 'kill', msg: 'Killed worker w3', worker_id: 3, task_id: null })
})

test('stopping ends the streams and stores what was accepted', async () => {
  const served = await createServed()
  const stream = await openStream(`${served.url}/api/logs/stream`)
  const answers = Array.from({ length: 50 }, () => served.post('/tasks', { command: 'x' }))
  await served.server.stop(1000)
  for (const { status } of await Promise.all(answers)) expect([200, 503]).toContain(status)
  await waitFor(stream.ended, { what: 'the end of the stream' })
  const accepted = (await Promise.all(answers)).filter(({ status }) => status === 200).length
  const [row] = await served.sql`SELECT count(*) FROM tasks`
  expect(row?.count).toBe(accepted)
})

test('throughput is what was completed in the last ten seconds', async () => {
  const served = await createServed()
  await addWorker(served.sql, 1, 'w1')
  await served.post('/api/schedule/batch', { count: 100 })
  await report(served.sql, 'completed', 1, await claim(served.sql, 1, 100))
  const stats = await waitFor(
    async () => {
      const { body } = await served.get('/api/stats')
      return body.throughput_per_second > 0 && body
    },
    { what: 'throughput' },
  )
  expect(stats).toMatchObject({
    throughput_per_second: 10,
    completed_tasks: 100,
    total_tasks: 100,
    queue_depth: 0,
  })
})
