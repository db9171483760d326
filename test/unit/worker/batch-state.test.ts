import { expect, test } from 'bun:test'
import { createBatchState, MAX_BATCH } from '../../../src/worker/batch-state.ts'

/** The two sides of one memory. */
function createSides() {
  const pool = createBatchState()
  return { pool, thread: createBatchState(pool.memory) }
}

test('the pool reads when a task began and ended and what came of it', () => {
  const { pool, thread } = createSides()
  const batch = pool.open(3)
  expect([0, 1, 2].map(pool.isWaiting)).toEqual([true, true, true])
  expect(thread.start(batch, 0, 10)).toBeTrue()
  expect([pool.isStarted(0), pool.startedAt(0)]).toEqual([true, 10])
  expect(thread.end(batch, 0, 12, '')).toBeTrue()
  thread.start(batch, 1, 13)
  thread.end(batch, 1, 14, '"é😀"')
  thread.start(batch, 2, 15)
  thread.tell(batch, 2, 16)
  expect([pool.isEnded(0), pool.endedAt(0), pool.outcome(0)]).toEqual([true, 12, ''])
  expect([pool.isEnded(1), pool.outcome(1)]).toEqual([true, '"é😀"'])
  expect([pool.isEnded(2), pool.isTold(2), pool.endedAt(2)]).toEqual([false, true, 16])
})

test('a task that was withdrawn does not begin, and one that began is not withdrawn', () => {
  const { pool, thread } = createSides()
  const batch = pool.open(2)
  expect(pool.withdraw(0)).toBeTrue()
  expect(thread.start(batch, 0, 1)).toBeFalse()
  expect(thread.start(batch, 1, 2)).toBeTrue()
  expect(pool.withdraw(1)).toBeFalse()
})

test('an outcome is found behind one that was withdrawn', () => {
  const { pool, thread } = createSides()
  const before = pool.open(2)
  for (const index of [0, 1]) {
    thread.start(before, index, 1)
    thread.end(before, index, 2, '"earlier"')
  }
  const batch = pool.open(3)
  thread.start(batch, 0, 3)
  thread.end(batch, 0, 4, '"a"')
  pool.withdraw(1)
  thread.start(batch, 2, 5)
  thread.end(batch, 2, 6, '"c"')
  expect([pool.outcome(0), pool.outcome(2)]).toEqual(['"a"', '"c"'])
})

test('a thread that is late with an earlier batch begins nothing of the next', () => {
  const { pool, thread } = createSides()
  const late = pool.open(2)
  pool.withdraw(0)
  pool.withdraw(1)
  const next = pool.open(2)
  expect(thread.start(late, 0, 1)).toBeFalse()
  expect(pool.isWaiting(0)).toBeTrue()
  expect(thread.start(next, 0, 2)).toBeTrue()
})

test('outcomes that do not fit are refused, and the next batch has all of the room again', () => {
  const { pool, thread } = createSides()
  const long = JSON.stringify('x'.repeat(3000))
  for (let round = 0; round < 3; round++) {
    const batch = pool.open(MAX_BATCH)
    const kept: number[] = []
    for (let index = 0; index < MAX_BATCH; index++) {
      thread.start(batch, index, 1)
      if (thread.end(batch, index, 2, long)) kept.push(index)
      else thread.tell(batch, index, 2)
    }
    expect(kept.length).toBeWithin(5, 11)
    expect(kept.every((index) => pool.outcome(index) === long)).toBeTrue()
  }
})
