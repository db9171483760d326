import { describe, expect, test } from 'bun:test'
import {
  type EventDraft,
  type FeedEvent,
  plainEvent,
  describe as tell,
} from '../../../src/scheduler/feed/event.ts'
import { createMailbox } from '../../../src/scheduler/feed/mailbox.ts'
import { createRecentSet } from '../../../src/scheduler/feed/recent.ts'
import { createRing, type Entry } from '../../../src/scheduler/feed/ring.ts'
import { createThroughput } from '../../../src/scheduler/feed/throughput.ts'
import { createWatch } from '../../../src/scheduler/feed/watch.ts'
import type { TaskState } from '../../../src/shared/core/task.ts'
import fc from '../../support/property.ts'
import { waitFor } from '../../support/wait.ts'

const entryOf = (event: FeedEvent): Entry => ({ event, json: () => JSON.stringify(event) })
const entry = (id: number) => entryOf({ id, ...plainEvent('scale', 0, `event ${id}`) })
const idsOf = (entries: Entry[] | null) => entries?.map(({ event }) => event.id) ?? null

describe('telling a notice', () => {
  const telling = () => ({ nameOf: (id: number) => `w${id}`, started: createRecentSet(100) })
  const all = (notice: Parameters<typeof tell>[0], state = telling()) => [...tell(notice, state)]

  test('`running` is told as `started`, once, and not again when the task ends', () => {
    const state = telling()
    const started = all({ type: 'running', count: 1, at: 1000, rows: [['t', 1, 7, 2, null, null]] }, state)
    const ended = all({ type: 'completed', count: 1, at: 2000, rows: [['t', 1, 7, 2, 1000, null]] }, state)
    expect(started.map(({ type }) => type)).toEqual(['started'])
    expect(ended.map(({ type }) => type)).toEqual(['completed'])
    expect(ended[0]).toMatchObject({
      msg: 'Task t completed on w7 in 1.000 s',
      slot: 2,
      attempt: 1,
      duration_ms: 1000,
    })
  })

  test('an end without a start is told with its start, at the time it was', () => {
    const events = all({ type: 'completed', count: 1, at: 2000, rows: [['t', 1, 7, 2, 500, null]] })
    expect(events.map(({ type, ts }) => [type, ts])).toEqual([
      ['started', '1970-01-01T00:00:01.500Z'],
      ['completed', '1970-01-01T00:00:02.000Z'],
    ])
  })

  test('a task that failed before it started has no start', () => {
    const events = all({
      type: 'failed',
      count: 1,
      at: 2000,
      rows: [['t', 1, 7, 2, null, 'no such executor']],
    })
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ level: 'error', msg: 'Task t failed on w7: no such executor' })
  })

  test('what a notice only counts is one event more', () => {
    const summary = (count: number) =>
      all({ type: 'completed', count, at: 0, rows: [['t', 1, 7, 0, null, null]] }).at(-1)
    expect(summary(941)).toMatchObject({ msg: '940 more tasks completed', count: 940, task_id: null })
    expect(summary(2)).toMatchObject({ msg: '1 more task completed', count: 1 })
  })

  test('a type of a newer version is passed over', () => {
    expect(all({ type: 'toString', count: 1, at: 0, rows: [['t', 1]] })).toEqual([])
  })
})

describe('the ring', () => {
  test('resuming from any id that is held gives exactly what came after it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 400 }), (capacity, pushed) => {
        const ring = createRing(capacity, 1)
        // Ids rise, not always by one.
        const ids = Array.from({ length: pushed }, (_, index) => 1 + index * 3)
        for (const id of ids) ring.push(entry(id))
        const newest = idsOf(ring.newest(capacity))
        expect(newest).toEqual(ids.slice(-capacity))
        for (const id of newest!) expect(idsOf(ring.after(id))).toEqual(ids.filter((other) => other > id))
        for (const id of ids) {
          const after = idsOf(ring.after(id))
          if (after) expect(after).toEqual(ids.filter((other) => other > id))
        }
        expect(ring.after(-1)).toBeNull()
      }),
    )
  })

  test('what was forgotten cannot be resumed from', () => {
    const ring = createRing(10, 1)
    ring.push(entry(1))
    ring.forget(2)
    ring.push(entry(3))
    expect(ring.after(1)).toBeNull()
    expect(idsOf(ring.after(2))).toEqual([3])
    expect(idsOf(ring.newest(10))).toEqual([3])
  })
})

describe('the mailbox', () => {
  const gap = (dropped: number, last: number | string) => `${dropped} lost to ${last}`
  const create = (capacity: number) => createMailbox<number | string>([], capacity, gap)

  test('gives all in order, at most so many at a time', async () => {
    const mailbox = create(10)
    for (let item = 0; item < 5; item++) mailbox.put(item)
    expect(await mailbox.take(3)).toEqual([0, 1, 2])
    expect(await mailbox.take(3)).toEqual([3, 4])
    const waiting = mailbox.take(3)
    mailbox.put(5)
    expect(await waiting).toEqual([5])
  })

  test('drops what waits when it is full, and says how much', async () => {
    const mailbox = create(10)
    for (let item = 0; item < 35; item++) mailbox.put(item)
    const taken = (await mailbox.take(100)) ?? []
    expect(taken.length).toBeLessThanOrEqual(10)
    const [, lost] = /^(\d+) lost/.exec(String(taken[0])) ?? []
    expect(Number(lost) + taken.length - 1).toBe(35)
    expect(taken.at(-1)).toBe(34)
    expect(taken.slice(1)).toEqual(taken.slice(1).toSorted((a, b) => Number(a) - Number(b)))
  })

  test('answers with nothing when the wait is over, and with null when it is closed and empty', async () => {
    const mailbox = create(10)
    expect(await mailbox.take(1, 1)).toEqual([])
    const waiting = mailbox.take(1)
    mailbox.close()
    expect(await waiting).toBeNull()
    mailbox.put(1)
    expect(await mailbox.take(1)).toBeNull()
  })
})

test('throughput counts what lies within the window, and forgets the rest', () => {
  const throughput = createThroughput(10_000)
  expect(throughput.perSecond(0)).toBe(0)
  throughput.add(1000, 50)
  throughput.add(1050, 50)
  throughput.add(5000, 100)
  expect(throughput.perSecond(6000)).toBe(20)
  expect(throughput.perSecond(12_000)).toBe(10)
  expect(throughput.perSecond(100_000)).toBe(0)
})

test('a recent set forgets the oldest, and each key once it is taken', () => {
  const set = createRecentSet(2)
  for (const key of ['a', 'b', 'c']) set.add(key)
  expect(set.take('a')).toBe(false)
  expect(set.take('c')).toBe(true)
  expect(set.take('c')).toBe(false)
})

describe('watching a task', () => {
  function createWatched(standing: { state: TaskState; attempt: number }) {
    let lastId = 100
    const looks: string[][] = []
    const errors: unknown[] = []
    const watch = createWatch({
      find: async (ids) => {
        looks.push(ids)
        return ids.map((id) => ({ id, ...standing }))
      },
      enter: (draft: EventDraft) => entryOf({ id: ++lastId, ...draft }),
      onError: (error) => void errors.push(error),
    })
    const told: string[] = []
    watch.add('t', ({ event }) => void told.push(`${event.type}#${event.attempt}`))
    const route = (type: FeedEvent['type'], attempt: number) =>
      watch.route(entryOf({ id: ++lastId, ...plainEvent(type, 0, '', { taskId: 't', attempt }) }))
    return { watch, told, looks, route }
  }

  test('tells how it stands, then each step once and none back', async () => {
    const { told, route, watch } = createWatched({ state: 'assigned', attempt: 1 })
    await waitFor(() => told.length === 1, { what: 'how it stands' })
    for (const type of ['assigned', 'scheduled', 'started', 'started', 'retrying'] as const) route(type, 1)
    for (const type of ['assigned', 'started', 'completed', 'completed'] as const) route(type, 2)
    route('reassigned', 3)
    watch.stop()
    expect(told).toEqual(['assigned#1', 'started#1', 'retrying#1', 'assigned#2', 'started#2', 'completed#2'])
  })

  test('many changes that may have been missed are few looks', async () => {
    const { watch, told, looks } = createWatched({ state: 'completed', attempt: 1 })
    for (let change = 0; change < 1000; change++) watch.recheck()
    await waitFor(() => told.length === 1, { what: 'its end' })
    await waitFor(() => looks.length === 1 || looks.length === 2, { what: 'the looks' })
    watch.stop()
    expect(told).toEqual(['completed#1'])
  })

  test('nobody who left is told or looked up for', async () => {
    const { watch, looks } = createWatched({ state: 'running', attempt: 1 })
    const late: string[] = []
    const put = ({ event }: Entry) => void late.push(event.type)
    watch.add('u', put)
    watch.remove('u', put)
    await waitFor(() => looks.length > 0, { what: 'a look' })
    expect(watch.size).toBe(1)
    expect(late).toEqual([])
    watch.stop()
  })
})
