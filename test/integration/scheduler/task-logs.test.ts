import { afterEach, describe, expect, test } from 'bun:test'
import { createTRPCClient, httpBatchLink, httpSubscriptionLink, splitLink } from '@trpc/client'
import { EventSource } from 'eventsource'
import type { NewsView } from '../../../src/scheduler/logs/views.ts'
import { type AppRouter, createCaller } from '../../../src/scheduler/trpc.ts'
import type { LogLine } from '../../../src/shared/core/output.ts'
import type { Sql } from '../../../src/shared/store/connect.ts'
import { settleTasks } from '../../../src/shared/store/dispatch.ts'
import { insertLogs, updateProgress } from '../../../src/shared/store/logs.ts'
import { hold, NOW, reportOf } from '../../support/store.ts'
import { waitFor } from '../../support/wait.ts'
import { createServed, openStream } from './served.ts'

const START = { attempt: 0, seq: 0 }
const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

const lines = (from: number, to: number): LogLine[] =>
  Array.from({ length: to - from + 1 }, (_, n) => ({
    ...{ seq: from + n, at: NOW, stream: 'stdout' as const, text: `line ${from + n}` },
  }))

/** A task that is held, and ways to let it speak and end. */
async function speaker(sql: Sql) {
  const task = await hold(sql)
  const { taskId, attempt, workerId } = task
  return {
    id: taskId,
    say: (from: number, to: number) =>
      insertLogs(sql, [{ taskId, attempt, workerId, lines: lines(from, to) }], NOW),
    progress: (value: number) => updateProgress(sql, [{ taskId, attempt, workerId, value }]),
    end: () => settleTasks(sql, [reportOf(task, 'completed')], NOW),
  }
}

async function serve() {
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
  function follow(task_id: string, after?: string) {
    const news: NewsView[] = []
    let isOver = false
    const subscription = client.tasks.followLogs.subscribe(
      { task_id, ...(after && { after }) },
      {
        onData: ({ data }) => news.push(data),
        onComplete: () => {
          isOver = true
        },
      },
    )
    closing.push(() => subscription.unsubscribe())
    return {
      news,
      seqs: () => news.flatMap(({ lines }) => lines.map(({ seq }) => seq)),
      isOver: () => isOver,
    }
  }
  return { ...served, client, follow }
}

describe('over tRPC', () => {
  test('what there is comes first, then what comes, with progress; the end is the last', async () => {
    const { sql, follow } = await serve()
    const task = await speaker(sql)
    await task.say(1, 3)
    const { news, seqs, isOver } = follow(task.id)
    await waitFor(() => seqs().length === 3, { what: 'three lines' })
    await task.say(4, 5)
    await waitFor(() => seqs().length === 5, { what: 'two more' })
    await task.progress(0.5)
    await waitFor(() => news.at(-1)?.progress === 0.5, { what: 'progress' })
    expect(isOver()).toBe(false)
    await task.say(6, 6)
    await task.end()
    await waitFor(isOver, { what: 'the end' })
    expect(seqs()).toEqual([1, 2, 3, 4, 5, 6])
    expect(news.at(-1)).toMatchObject({ state: 'completed', attempt: 1 })
  })

  test('it goes on after a line, and of thousands none is missing', async () => {
    const { sql, client, follow } = await serve()
    const task = await speaker(sql)
    await task.say(1, 1300)
    await task.end()
    const all = follow(task.id)
    const some = follow(task.id, '1.1250')
    await waitFor(() => all.isOver() && some.isOver(), { what: 'both ends' })
    expect(all.seqs()).toEqual(lines(1, 1300).map(({ seq }) => seq))
    expect(some.seqs()).toEqual(lines(1251, 1300).map(({ seq }) => seq))
    const page = await client.tasks.logs.query({ task_id: task.id, after: '1.1299' })
    expect(page).toMatchObject({
      lines: [{ id: '1.1300', attempt: 1, stream: 'stdout', text: 'line 1300' }],
      next: null,
    })
  })

  test('what is said while notices are lost is found all the same', async () => {
    const { sql, follow, services } = await serve()
    const task = await speaker(sql)
    const { seqs } = follow(task.id)
    await task.say(1, 1)
    await waitFor(() => seqs().length === 1, { what: 'the first line' })
    await services.taskLogs.stop()
    await task.say(2, 2)
    await waitFor(() => seqs().length === 2, { what: 'the second line' })
  })

  test('a task that is not there is an error', async () => {
    const { services } = await serve()
    const call = createCaller(services)
    const news = await call.tasks.followLogs({ task_id: Bun.randomUUIDv7() })
    expect(async () => {
      for await (const _ of news);
    }).toThrow('Task not found')
    expect(call.tasks.logs({ task_id: Bun.randomUUIDv7() })).rejects.toThrow('Task not found')
  })
})

describe('as server-sent events', () => {
  test('lines have their ids, each change its event, and the end is said', async () => {
    const { sql, url } = await serve()
    const task = await speaker(sql)
    await task.say(1, 2)
    const stream = await openStream(`${url}/api/tasks/${task.id}/logs/stream`)
    expect(stream.headers.get('content-type')).toBe('text/event-stream')
    await waitFor(() => stream.text().includes('line 2'), { what: 'the lines' })
    await task.progress(0.25)
    await waitFor(() => stream.text().includes('"progress":0.25'), { what: 'the progress' })
    await task.end()
    await waitFor(stream.ended, { what: 'the end' })
    const messages = stream
      .text()
      .split('\n\n')
      .filter((message) => message && !message.startsWith(':'))
    const kinds = messages.map((message) => /^(id: \S+|event: \w+)/.exec(message)?.[0])
    expect(kinds).toEqual(['id: 1.1', 'id: 1.2', 'event: task', 'event: task', 'event: task', 'event: end'])
    expect(JSON.parse(messages.at(-1)!.split('\ndata: ')[1]!)).toEqual({
      state: 'completed',
      attempt: 1,
      progress: 0.25,
    })
    const again = await openStream(`${url}/api/tasks/${task.id}/logs/stream`, { 'Last-Event-ID': '1.1' })
    await waitFor(again.ended, { what: 'the end' })
    expect(again.text().match(/^id: .*$/gm)).toEqual(['id: 1.2'])
  })

  test('an idle stream is kept open, and ends when the server does', async () => {
    const served = await createServed({ keepAliveMs: 50 })
    const task = await speaker(served.sql)
    const stream = await openStream(`${served.url}/api/tasks/${task.id}/logs/stream`)
    await waitFor(() => stream.text().includes(': keep-alive'), { what: 'a comment' })
    await served.server.stop(5000)
    await waitFor(stream.ended, { what: 'the end' })
    expect(stream.text()).not.toContain('event: end')
  })

  test('who leaves is not followed any more', async () => {
    const { sql, services, url } = await serve()
    const task = await speaker(sql)
    let open = 0
    const follow = services.feed.follow
    services.feed.follow = (from) => {
      const follower = follow(from)
      open++
      const close = () => {
        open--
        follower.close()
      }
      return { ...follower, close }
    }
    const streams = await Promise.all(
      Array.from({ length: 5 }, () => openStream(`${url}/api/tasks/${task.id}/logs/stream`)),
    )
    expect(open).toBe(5)
    for (const stream of streams) stream.close()
    await waitFor(() => open === 0, { what: 'all to be gone' })
    const news = services.taskLogs.follow(task.id, START, undefined)
    await news.next()
    expect(open).toBe(1)
    await news.return(undefined)
    expect(open).toBe(0)
  })
})
