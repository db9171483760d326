import { expect, test } from 'bun:test'
import { MAX_BATCH } from '../../../src/worker/batch-state.ts'
import { BATCH_MS, batchLength, createRunTimes, kindOf } from '../../../src/worker/batching.ts'
import fc from '../../support/property.ts'

const simulate = (command: string) => kindOf({ executor: 'simulate', command })

test('a kind is known to be short after three ends, not before', () => {
  const times = createRunTimes()
  for (const known of [null, null, null, 0.5]) {
    expect(times.shortMs(simulate('a'))).toBe(known)
    times.note(simulate('a'), 0.5)
  }
  expect(times.shortMs(simulate('b'))).toBeNull()
})

test('a kind whose mean is above a few milliseconds is not short', () => {
  const times = createRunTimes()
  for (let n = 0; n < 10; n++) times.note(simulate('long'), BATCH_MS + 1)
  expect(times.shortMs(simulate('long'))).toBeNull()
})

test('a single long run makes batches smaller for a while, and more of them make the kind a long one', () => {
  const times = createRunTimes()
  for (let n = 0; n < 100; n++) times.note(simulate('a'), 0.1)
  times.note(simulate('a'), 3_600_000)
  expect(times.shortMs(simulate('a'))).toBeWithin(0.2, 0.5)
  for (let n = 0; n < 20; n++) times.note(simulate('a'), 0.1)
  expect(times.shortMs(simulate('a'))).toBeLessThan(0.2)
  for (let n = 0; n < 8; n++) times.note(simulate('a'), 50)
  expect(times.shortMs(simulate('a'))).toBeNull()
})

test('tasks of one executor and command are one kind; those that start processes are none', () => {
  expect(simulate('a')).toBe(simulate('a'))
  expect(new Set([simulate('a'), simulate('b'), kindOf({ executor: 'function', command: 'a' })]).size).toBe(3)
  expect(kindOf({ executor: 'shell', command: 'true' })).toBeNull()
  expect(kindOf({ executor: 'unheard-of', command: 'a' })).toBeNull()
  const times = createRunTimes()
  for (let n = 0; n < 5; n++) times.note(null, 0.1)
  expect(times.shortMs(null)).toBeNull()
})

test('no more kinds are remembered than the limit says: the oldest is forgotten', () => {
  const times = createRunTimes(2)
  for (const command of ['a', 'b', 'c']) for (let n = 0; n < 5; n++) times.note(simulate(command), 1)
  expect(['a', 'b', 'c'].map((command) => times.shortMs(simulate(command)))).toEqual([null, 1, 1])
})

test('what is not known to be short goes alone, and ends the batch of those before it', () => {
  expect(batchLength(10, 1, () => null)).toBe(1)
  expect(batchLength(10, 1, (place) => (place === 3 ? null : 0.1))).toBe(3)
})

test('a batch ends in time, is no more than its share, and never empty', () => {
  const times = fc.array(fc.option(fc.double({ min: 0, max: 2 * BATCH_MS, noNaN: true })), { minLength: 1 })
  fc.assert(
    fc.property(times, fc.integer({ min: 1, max: 8 }), (queue, slots) => {
      const length = batchLength(queue.length, slots, (place) => queue[place] ?? null)
      expect(length).toBeWithin(1, queue.length + 1)
      expect(length).toBeLessThanOrEqual(Math.min(MAX_BATCH, Math.ceil(queue.length / slots)))
      const batch = queue.slice(0, length)
      if (length === 1) return
      expect(batch).not.toContain(null)
      expect(batch.reduce<number>((sum, ms) => sum + (ms ?? 0), 0)).toBeLessThanOrEqual(BATCH_MS)
    }),
  )
})

test('slots that are free share what is queued evenly', () => {
  const shares: number[] = []
  for (let queued = 23, slots = 5; queued > 0; slots--) {
    shares.push(batchLength(queued, slots, () => 0.01))
    queued -= shares.at(-1)!
  }
  expect(shares).toEqual([5, 5, 5, 4, 4])
})
