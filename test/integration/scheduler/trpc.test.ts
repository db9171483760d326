import { describe, expect, test } from 'bun:test'
import {
  createTRPCClient,
  httpBatchLink,
  httpSubscriptionLink,
  splitLink,
  type TRPCClientError,
} from '@trpc/client'
import { EventSource } from 'eventsource'
import type { FeedEvent } from '../../../src/scheduler/feed/event.ts'
import { type AppRouter, createCaller } from '../../../src/scheduler/trpc.ts'
import { waitFor } from '../../support/wait.ts'
import { createServed } from './served.ts'
import { addWorker, claim, createStand, report, typesOf } from './stand.ts'

const UNKNOWN = '00000000-0000-7000-8000-000000000000'

test('the router does what REST does, over the same use cases', async () => {
  const stand = await createStand()
  await addWorker(stand.sql, 1, 'w1')
  const call = createCaller(stand.services)

  const { task_id } = await call.tasks.schedule({
    command: 'x',
    scheduled_at: '2023-12-24T22:34:00+05:30',
    priority: 'HIGH',
  })
  const { task_ids } = await call.tasks.scheduleBatch({ count: 3 })
  const { status, ...body } = (await stand.get(`/tasks/${task_id}`)).body
  expect(await call.tasks.get({ task_id })).toEqual(body)
  expect(status).toBe(body.state)

  const first = await call.tasks.list({ limit: 3 })
  const rest = await call.tasks.list({ limit: 3, ...(first.next_cursor && { cursor: first.next_cursor }) })
  expect([...first.tasks, ...rest.tasks].map(({ id }) => id).sort()).toEqual([task_id, ...task_ids].sort())
  expect(first.total).toBe(4)
  expect(rest.next_cursor).toBeNull()

  expect(await call.stats()).toEqual((await stand.get('/api/stats')).body)
  expect(await call.workers.list({})).toEqual((await stand.get('/api/workers')).body)
  expect(await call.workers.scale({ count: 4 })).toEqual({ count: 4, command: 'scale 4' })
  expect(await call.workers.kill({ name: 'w1' })).toEqual({ name: 'w1', command: 'kill w1' })
  const events = await waitFor(async () => (await call.logs.list()).length >= 7 && (await call.logs.list()), {
    what: 'the events',
  })
  expect(events).toEqual((await stand.get('/api/logs')).body)
})

describe('over HTTP', () => {
  async function createClient() {
    const served = await createServed()
    const url = `${served.url}/trpc`
    const client = createTRPCClient<AppRouter>({
      links: [
        splitLink({
          condition: ({ type }) => type === 'subscription',
          true: httpSubscriptionLink({ url, EventSource }),
          false: httpBatchLink({ url }),
        }),
      ],
    })
    return { ...served, client }
  }

  const errorOf = (call: Promise<unknown>) =>
    call.then(
      () => null,
      (error) => error as TRPCClientError<AppRouter>,
    )

  test('errors have their code and text, and nothing of ours', async () => {
    const { client, sql, logged } = await createClient()
    const cases = [
      [client.tasks.get.query({ task_id: UNKNOWN }), 404, 'Task not found'],
      [client.tasks.get.query({ task_id: 'x' }), 400, 'task_id must be a UUID'],
      [client.tasks.scheduleBatch.mutate({ count: 0 }), 400, 'count must be between 1 and 1000'],
      [
        client.tasks.schedule.mutate({ command: '', scheduled_at: '' }),
        400,
        'command and scheduled_at are required',
      ],
      [client.workers.kill.mutate({ name: 'nobody' }), 404, 'no live worker is called nobody'],
    ] as const
    // All at once: one that fails before it is waited for would count as unhandled.
    const errors = await Promise.all(cases.map(([call]) => errorOf(call)))
    for (const [index, [, status, message]] of cases.entries()) {
      const error = errors[index]
      expect(error?.message).toBe(message)
      expect(error?.data).toMatchObject({ httpStatus: status })
      expect(error?.data).not.toHaveProperty('stack')
    }
    expect(logged.filter(({ level }) => level >= 50)).toEqual([])

    await sql`ALTER TABLE tasks RENAME TO hidden`
    const error = await errorOf(client.tasks.get.query({ task_id: UNKNOWN }))
    expect(error?.message).toMatch(/^Internal error [0-9a-f-]{36}$/)
    expect(logged.find(({ level }) => level === 50)?.id).toBe(error?.message.split(' ')[2])
  })

  test('a form of another site is refused, and so are too many calls at once', async () => {
    const { url } = await createClient()
    const path = `${url}/trpc/workers.kill`
    const form = new FormData()
    form.set('name', 'w1')
    expect((await fetch(path, { method: 'POST', body: form })).status).toBe(415)
    expect((await fetch(path, { method: 'POST', body: '{"name":"w1"}' })).status).toBe(415)
    expect((await fetch(`${path}?input=%7B%22name%22%3A%22w1%22%7D`)).status).toBe(405)
    expect((await fetch(path, { method: 'DELETE' })).status).toBe(405)
    const many = Array(51).fill('stats').join(',')
    expect((await fetch(`${url}/trpc/${many}?batch=1&input=%7B%7D`)).status).toBe(400)
  })

  test('a subscription streams events with their ids, and resumes after the one given', async () => {
    const { client, post, feed } = await createClient()
    await post('/api/schedule/batch', { count: 5 })
    await waitFor(() => feed.recent().length === 5, { what: 'the events' })
    const known = feed.recent()
    const got: { id: string; data: FeedEvent }[] = []
    const subscription = client.logs.stream.subscribe(
      { lastEventId: String(known[2]?.id) },
      { onData: (message) => void got.push(message) },
    )
    await waitFor(() => got.length === 2, { what: 'what was missed' })
    const { body } = await post('/tasks', { command: 'x' })
    await waitFor(() => got.length === 3, { what: 'what came' })
    subscription.unsubscribe()
    expect(got.map(({ id }) => Number(id)).slice(0, 2)).toEqual(known.slice(3).map(({ id }) => id))
    expect(got[2]?.data).toMatchObject({ type: 'scheduled', task_id: body.task_id })
  })

  test('a subscription to one task is told how it stands, and its end', async () => {
    const { client, post, sql } = await createClient()
    await addWorker(sql, 1, 'w1')
    const { body } = await post('/tasks', { command: 'x' })
    const got: FeedEvent[] = []
    const failed: unknown[] = []
    const subscription = client.logs.stream.subscribe(
      { task_id: body.task_id },
      { onData: ({ data }) => void got.push(data), onError: (error) => void failed.push(error) },
    )
    await waitFor(() => got.length === 1, { what: 'how it stands' })
    await post('/tasks', { command: 'another' })
    await report(sql, 'completed', 1, await claim(sql, 1, 2))
    await waitFor(() => got.at(-1)?.type === 'completed', { what: 'its end' })
    subscription.unsubscribe()
    expect(typesOf(got)).toEqual(['scheduled', 'assigned', 'started', 'completed'])
    expect(failed).toEqual([])
  })

  test('a subscription to many tasks is told how each stands, its end, and nothing of others', async () => {
    const { client, post, sql } = await createClient()
    await addWorker(sql, 1, 'w1')
    const { body } = await post('/api/tasks/batch', [{ command: 'a' }, { command: 'b' }, { command: 'c' }])
    const [a, b, c] = body.task_ids
    const got: FeedEvent[] = []
    const subscription = client.tasks.watch.subscribe(
      { task_ids: [a, c.toUpperCase(), UNKNOWN] },
      { onData: ({ data }) => void got.push(data) },
    )
    await waitFor(() => got.length === 2, { what: 'how they stand' })
    await report(sql, 'completed', 1, await claim(sql, 1, 3))
    await waitFor(() => typesOf(got).filter((type) => type === 'completed').length === 2, {
      what: 'both ends',
    })
    subscription.unsubscribe()
    expect(new Set(got.map(({ task_id }) => task_id))).toEqual(new Set([a, c]))
    expect(got.some(({ task_id }) => task_id === b)).toBe(false)

    const wrong = 'task_ids must be an array of 1 to 100 UUIDs'
    for (const task_ids of [[], ['x'], Array(101).fill(UNKNOWN)]) {
      const error = await new Promise<{ message: string }>((resolve) => {
        client.tasks.watch.subscribe({ task_ids }, { onError: resolve })
      })
      expect(error.message).toContain(wrong)
    }
  })

  test('when the server stops, the client is told to come back', async () => {
    const { client, server } = await createClient()
    const states: string[] = []
    const subscription = client.logs.stream.subscribe(
      {},
      {
        onConnectionStateChange: ({ state }) => void states.push(state),
      },
    )
    await waitFor(() => states.at(-1) === 'pending', { what: 'the connection' })
    await server.stop(100)
    await waitFor(() => states.at(-1) === 'connecting', { what: 'a new attempt' })
    subscription.unsubscribe()
  })
})
