import { expect, test } from 'bun:test'
import { createAttempts } from '../../../../src/scheduler/dashboard/attempts.ts'
import type { ChangeNotice } from '../../../../src/shared/store/channel.ts'
import type { Span } from '../../../../src/shared/store/spans.ts'

const create = (options = {}) =>
  createAttempts({ maxWaiting: 100, maxEnded: 100, keepMs: 60_000, ...options })

const notice = (type: string, taskIds: string[]): ChangeNotice => ({
  ...{ type, count: taskIds.length, at: 1000 },
  rows: taskIds.map((id) => [id, 1, 7]),
})

const span = (taskId: string, times: Partial<Span> = {}): Span => ({
  ...{ taskId, attempt: 1, workerId: 7, slot: 0, command: 'x', outcome: null },
  ...{ pickedAt: 1, startedAt: null, endedAt: null, ...times },
})

test('a notice says what to look up, each attempt once, and a waiting task is no attempt', () => {
  const attempts = create()
  attempts.note(notice('assigned', ['a', 'b']))
  attempts.note(notice('running', ['a']))
  attempts.note({ ...notice('cancelled', ['c']), rows: [['c', 0]] })
  attempts.note(notice('scheduled', ['d']))
  expect(attempts.take(1)).toEqual([{ taskId: 'a', attempt: 1 }])
  expect(attempts.take(10)).toEqual([{ taskId: 'b', attempt: 1 }])
  expect(attempts.take(10)).toEqual([])
})

test('only what has changed is told, and what has ended never again', () => {
  const attempts = create()
  const refs = [{ taskId: 'a', attempt: 1 }]
  attempts.found(refs, [span('a')], 10)
  expect(attempts.changes()).toMatchObject({ spans: [span('a')], born: new Set(['a#1']) })
  attempts.found(refs, [span('a')], 11)
  expect(attempts.changes().spans).toEqual([])
  const over = span('a', { startedAt: 2, endedAt: 12, outcome: 'completed' })
  attempts.found(refs, [over], 12)
  expect(attempts.changes()).toMatchObject({ spans: [over], born: new Set() })
  attempts.found(refs, [{ ...over, endedAt: 13 }], 13)
  attempts.note(notice('completed', ['a']))
  expect(attempts.changes().spans).toEqual([])
  expect(attempts.take(10)).toEqual([])
})

test('what is no longer held is looked up, and has ended when it is no longer there', () => {
  const attempts = create()
  attempts.held([span('a', { startedAt: 2 }), span('b')])
  expect(attempts.busy()).toEqual(new Map([[7, 1]]))
  attempts.held([span('b')])
  const refs = attempts.take(10)
  expect(refs).toEqual([{ taskId: 'a', attempt: 1 }])
  attempts.found(refs, [], 99)
  expect(attempts.all(100)).toEqual([span('b'), span('a', { startedAt: 2, endedAt: 99 })])
  expect(attempts.busy()).toEqual(new Map())
})

test('too much to look up is left out and counted, but never what is shown as going on', () => {
  const attempts = create({ maxWaiting: 3 })
  attempts.held([span('shown')])
  attempts.note(notice('completed', ['shown', 'a', 'b', 'c', 'd']))
  expect(attempts.changes().dropped).toBe(2)
  expect(attempts.take(10).map(({ taskId }) => taskId)).toEqual(['shown', 'c', 'd'])
})

test('what ended is kept for a while, and so many at most', () => {
  const attempts = create({ maxEnded: 2 })
  for (const [index, id] of ['a', 'b', 'c'].entries()) {
    attempts.found([], [span(id, { endedAt: index * 10_000, outcome: 'completed' })], 0)
  }
  expect(attempts.all(20_000).map(({ taskId }) => taskId)).toEqual(['b', 'c'])
  expect(attempts.all(70_001).map(({ taskId }) => taskId)).toEqual(['c'])
})

test('what was forgotten and had ended is found again by whoever comes soon', () => {
  const attempts = create()
  const over = span('a', { endedAt: 5, outcome: 'completed' })
  attempts.found([], [over, span('b')], 10)
  attempts.forget()
  expect(attempts.all(10)).toEqual([])
  attempts.note(notice('completed', ['c']))
  const refs = attempts.take(10)
  expect(refs.map(({ taskId }) => taskId)).toEqual(['a', 'c'])
  attempts.found(refs, [over], 20)
  expect(attempts.all(20)).toEqual([over])
})
