import { describe, expect, test } from 'bun:test'
import { createTRPCClient, httpSubscriptionLink } from '@trpc/client'
import { EventSource } from 'eventsource'
import { keyOf } from '../../../src/scheduler/dashboard/coalesce.ts'
import type { Delta, LiveMessage, Snap } from '../../../src/scheduler/dashboard/messages.ts'
import type { AppRouter } from '../../../src/scheduler/trpc.ts'
import { countOf, mergeHistograms } from '../../../src/shared/core/histogram.ts'
import { retryTasks } from '../../../src/shared/store/dispatch.ts'
import type { Span } from '../../../src/shared/store/spans.ts'
import { loseSilent } from '../../../src/shared/store/workers.ts'
import { decided } from '../../support/store.ts'
import { waitFor } from '../../support/wait.ts'
import { createServed, type Served } from './served.ts'
import { addWorker, claim, createStand, report, type StandOptions } from './stand.ts'

type Message = Snap | Delta

/** What a client has been told, put together as it does it. */
function put(messages: Message[]) {
  const spans = new Map<string, Span>()
  const buckets = new Map<number, Message['buckets'][number]>()
  const workers = new Map<number, Message['workers'][number]>()
  for (const message of messages) {
    if (message.type === 'snap') for (const map of [spans, buckets, workers]) map.clear()
    for (const span of message.spans) spans.set(keyOf(span), span)
    for (const bucket of message.buckets) buckets.set(bucket.at, bucket)
    for (const worker of message.workers) workers.set(worker.id, worker)
  }
  return { spans: [...spans.values()], buckets: [...buckets.values()], workers: [...workers.values()] }
}

function open({ url }: Pick<Served, 'url'>, lastEventId?: number) {
  const client = createTRPCClient<AppRouter>({
    links: [httpSubscriptionLink({ url: `${url}/trpc`, EventSource })],
  })
  const messages: Message[] = []
  const at: number[] = []
  const subscription = client.dashboard.live.subscribe(
    { lastEventId: lastEventId === undefined ? null : String(lastEventId) },
    {
      onData({ id, data }) {
        expect(id).toBe(String(data.seq))
        // While the database is away nothing is known, and there is nothing to put together.
        if (data.type === 'unknown') return
        messages.push(data)
        at.push(performance.now())
      },
    },
  )
  return {
    messages,
    at,
    now: () => put(messages),
    last: () => messages.at(-1),
    until: <T>(what: string, is: () => T | false | null | undefined) => waitFor(is, { what }),
    close: () => subscription.unsubscribe(),
  }
}

async function serve(options?: StandOptions) {
  const served = await createServed(options)
  await addWorker(served.sql, 1, 'w1')
  return served
}

async function submit({ post }: Served, count: number): Promise<string[]> {
  return (await post('/api/schedule/batch', { count, command: 'sleep 5' })).body.task_ids
}

/** Every attempt that was ever made, by the tables. */
function attemptsBySql(sql: Served['sql']): Promise<Span[]> {
  return sql<Span[]>`
    SELECT id AS "taskId", attempt, worker_id AS "workerId", slot, command, epoch_ms(picked_at) AS "pickedAt",
      epoch_ms(started_at) AS "startedAt", epoch_ms(coalesce(completed_at, failed_at, cancelled_at)) AS "endedAt",
      CASE WHEN completed_at IS NOT NULL THEN 'completed' WHEN failed_at IS NOT NULL THEN 'failed'
        WHEN cancelled_at IS NOT NULL THEN 'cancelled' END AS outcome
    FROM tasks WHERE picked_at IS NOT NULL
    UNION ALL
    SELECT task_id, a.attempt, a.worker_id, a.slot, command, epoch_ms(a.picked_at), epoch_ms(a.started_at),
      epoch_ms(ended_at), outcome
    FROM attempts a JOIN tasks ON id = task_id`
}

const byKey = (spans: Span[]) => spans.toSorted((a, b) => keyOf(a).localeCompare(keyOf(b)))

test('whoever comes is told how everything stands, and what ended before', async () => {
  const served = await serve()
  await submit(served, 4)
  const [ended, running] = await claim(served.sql, 1, 3)
  await report(served.sql, 'started', 1, [ended!, running!])
  await report(served.sql, 'completed', 1, [ended!], 40)
  await waitFor(() => served.feed.recent().some(({ type }) => type === 'completed'), { what: 'the end' })

  const client = open(served)
  const snap = await client.until('the snap', () => client.messages[0])
  client.close()
  expect(snap).toMatchObject({ type: 'snap', fleet: true, queueDepth: 2 })
  expect(snap.counts).toEqual({ pending: 1, assigned: 1, running: 1, completed: 1, failed: 0, cancelled: 0 })
  expect(snap.workers).toMatchObject([
    { id: 1, name: 'w1', slots: 5, online: true, busySlots: 1, link: 'stream' },
  ])
  expect(snap.workers[0]).not.toHaveProperty('registered')
  expect(byKey(snap.spans)).toEqual(byKey(await attemptsBySql(served.sql)))
  expect(snap.spans[0]?.command).toBe('sleep 5')
  expect(snap.log.map(({ type }) => type)).toEqual(served.feed.recent().map(({ type }) => type))
  expect(snap.buckets.reduce((sum, { completed }) => sum + completed, 0)).toBe(1)
  expect(countOf(mergeHistograms(snap.buckets.map(({ wait }) => wait)))).toBe(3)
  expect(Math.abs(snap.at - Date.now())).toBeLessThan(10_000)
})

test('what happens is told as the tables have it: short tasks, retries and lost workers', async () => {
  const served = await serve()
  const client = open(served)
  await client.until('the snap', () => client.messages[0])
  await submit(served, 3)
  const [short, failing, lost] = await claim(served.sql, 1, 3)
  // One statement: it never was running by the tables.
  await report(served.sql, 'completed', 1, [short!], 1)
  await report(served.sql, 'started', 1, [failing!, lost!])
  await served.sql`UPDATE tasks SET max_retries = 1 WHERE id = ${failing!}`
  const failure = { attempt: 1, workerId: 1, kind: 'failed' as const, slot: 1, startedAt: 0, endedAt: 5 }
  await retryTasks(served.sql, [{ ...failure, taskId: failing!, error: 'no', output: null }], 5, {
    baseMs: 0,
    capMs: 0,
  })
  await addWorker(served.sql, 2, 'w2')
  await claim(served.sql, 2, 1)
  await served.sql`UPDATE workers SET last_seen_at = now() - interval '1 h' WHERE id = 1`
  await loseSilent(served.sql, 1000, 5, await decided(served.sql))
  await claim(served.sql, 2, 1)

  const expected = byKey(await attemptsBySql(served.sql))
  expect(expected.map(({ outcome }) => outcome).sort()).toEqual(['completed', 'failed', 'lost', null, null])
  await client.until(
    'all attempts',
    () => client.now().spans.filter(({ endedAt }) => endedAt !== null).length === 3,
  )
  await client.until('both new ones', () => client.now().spans.length === 5)
  expect(byKey(client.now().spans)).toEqual(expected)
  const gone = await client.until('the worker to be gone', () =>
    client.now().workers.find(({ online }) => !online),
  )
  expect(gone).toMatchObject({ id: 1, busySlots: 0, offlineAt: expect.any(Number) })
  await client.until('the counts', () => client.last()?.counts.assigned === 2)
  expect(new Set(client.messages.map(({ seq }) => seq)).size).toBe(client.messages.length)
  client.close()
})

test('when notices only sample what happened, every attempt that is held is shown, and its end', async () => {
  const served = await serve()
  const client = open(served)
  await client.until('the snap', () => client.messages[0])
  await submit(served, 400)
  const ids = await claim(served.sql, 1, 400)
  await client.until('all that are held', () => client.now().spans.length === 400)
  await report(served.sql, 'started', 1, ids)
  await client.until('all starts', () => client.now().spans.every(({ startedAt }) => startedAt !== null))
  await report(served.sql, 'completed', 1, ids, 20)
  await client.until('all ends', () => client.now().spans.every(({ endedAt }) => endedAt !== null))
  expect(byKey(client.now().spans)).toEqual(byKey(await attemptsBySql(served.sql)))
  expect(countOf(mergeHistograms(client.now().buckets.map(({ run }) => run)))).toBe(400)
  await client.until('the counts', () => client.last()?.counts.completed === 400)
  client.close()
})

describe('a client that comes back', () => {
  test('goes on where it was, without a snap and with nothing twice', async () => {
    const served = await serve()
    const first = open(served)
    await first.until('the snap', () => first.messages[0])
    first.close()
    await submit(served, 2)
    await claim(served.sql, 1, 2)
    const again = open(served, first.last()!.seq)
    await again.until('what it missed', () => again.now().spans.length === 2)
    again.close()
    expect(again.messages.every(({ type }) => type === 'delta')).toBe(true)
    expect(again.messages[0]!.seq).toBeGreaterThan(first.last()!.seq)
  })

  test('after longer than deltas are held is given a snap, and so is one of another scheduler', async () => {
    const served = await serve({ dashboardKeepMs: 300 })
    const first = open(served)
    await first.until('the snap', () => first.messages[0])
    first.close()
    const seen = first.last()!.seq
    const other = open(served)
    await other.until('enough deltas', () => (other.last()?.seq ?? 0) > seen + 2)
    for (const lastSeq of [seen, 5, seen * 2]) {
      const again = open(served, lastSeq)
      expect((await again.until('a message', () => again.messages[0])).type).toBe('snap')
      again.close()
    }
    other.close()
  })
})

test('however much happens, a client is sent at most ten messages a second, and at least one', async () => {
  const served = await serve()
  const client = open(served)
  await client.until('the snap', () => client.messages[0])
  const until = performance.now() + 1500
  while (performance.now() < until) {
    await submit(served, 20)
    await report(served.sql, 'completed', 1, await claim(served.sql, 1, 20), 1)
  }
  for (let index = 10; index < client.at.length; index++) {
    // Sent 100 ms apart; a moment more or less on the way here.
    expect(client.at[index]! - client.at[index - 10]!).toBeGreaterThan(900)
  }
  const count = client.messages.length
  await client.until('two more without any reason', () => client.messages.length >= count + 2)
  client.close()
})

describe('a client that is too slow', () => {
  test('is told the latest of all that it missed in one message, with what was left out counted', async () => {
    const stand = await createStand()
    await addWorker(stand.sql, 1, 'w1')
    const slow = stand.services.dashboard.follow(null)
    const fast = stand.services.dashboard.follow(null)
    const messages = [(await slow.next()).value as Message]
    const seen: Message[] = [(await fast.next()).value as Message]
    // More than one message may tell of, all over before the slow one asks.
    for (let round = 0; round < 6; round++) {
      await stand.post('/api/schedule/batch', { count: 300 })
      await report(stand.sql, 'completed', 1, await claim(stand.sql, 1, 300), 1)
      await report(stand.sql, 'completed', 1, [], 1)
    }
    await stand.post('/api/schedule/batch', { count: 1 })
    const [held] = await claim(stand.sql, 1, 1)
    while (!put(seen).spans.some(({ taskId }) => taskId === held))
      seen.push((await fast.next()).value as Message)
    while (seen.at(-1)?.counts.completed !== 1800) seen.push((await fast.next()).value as Message)
    messages.push((await slow.next()).value as Message)
    await Promise.all([slow.return(), fast.return()])

    const delta = messages[1] as Delta
    expect(delta.type).toBe('delta')
    expect(delta.seq).toBeGreaterThanOrEqual(seen.at(-1)!.seq)
    expect(delta.counts.completed).toBe(1800)
    expect(delta.spans.find(({ taskId }) => taskId === held)?.endedAt).toBeNull()
    expect(delta.log.length).toBeLessThanOrEqual(50)
    expect(delta.dropped).toBeGreaterThan(0)
  })

  test('keeps nothing on the server: what it does not read is not made', async () => {
    const served = await serve()
    const socket = await Bun.connect({
      hostname: '127.0.0.1',
      port: served.server.port,
      socket: { data() {}, open: (opened) => void opened.pause() },
    })
    socket.write(
      'GET /trpc/dashboard.live?input=%7B%7D HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n',
    )
    const { follow } = served.services.dashboard
    let made = 0
    let madeAt = 0
    served.services.dashboard.follow = async function* (...args) {
      for await (const message of follow(...args)) {
        made++
        madeAt = performance.now()
        // So large that a few fill whatever the system buffers.
        yield { ...message, log: Array(4000).fill(served.feed.recent()[0]) }
      }
    }
    // One a second is made for whoever reads.
    await waitFor(() => made > 0 && performance.now() - madeAt > 2500, {
      ...{ what: 'the stream to stand still', timeoutMs: 25_000 },
    })
    expect(made).toBeLessThan(60)
    socket.end()
  })
})

test('while the database is away a new client is told that nothing is known, and all when it is back', async () => {
  const served = await serve()
  await served.sql`ALTER TABLE tasks RENAME TO hidden`
  const told: LiveMessage[] = []
  const follow = served.services.dashboard.follow(null)
  const reading = (async () => {
    for await (const message of follow) if (told.push(message) && message.type === 'snap') break
  })()
  await waitFor(() => told.length > 2, { what: 'a sign of life every second' })
  expect(told[0]).toMatchObject({ type: 'unknown', dataAgeMs: null, health: { state: expect.any(String) } })
  expect(told.map(({ type }) => type)).not.toContain('snap')
  await served.sql`ALTER TABLE hidden RENAME TO tasks`
  await reading
  expect(told.at(-1)).toMatchObject({
    type: 'snap',
    workers: [{ name: 'w1' }],
    dataAgeMs: expect.any(Number),
  })
})
