import { expect, test } from 'bun:test'
import { createBatcher } from '../../../src/shared/batcher.ts'
import fc from '../../support/property.ts'

interface Item {
  n: number
  weight: number
  poisonous: boolean
}

const items = fc
  .array(fc.record({ weight: fc.integer({ min: 1, max: 6 }), poisonous: fc.boolean() }), { maxLength: 30 })
  .map((list) => list.map((item, n) => ({ ...item, n })))

test('every item is written once, in order, in batches within the limit, and answered with its own result', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), items, fc.integer({ min: 1, max: 8 }), async (s, all, maxItems) => {
      const batches: Item[][] = []
      const batcher = createBatcher<Item, number>({
        async write(batch) {
          batches.push(batch)
          await s.schedule(Promise.resolve())
          return batch.map(({ n }) => n * 2)
        },
        maxItems,
        weigh: ({ weight }) => weight,
        maxWaiting: 1000,
      })
      const added: Item[] = []
      const answers = all.map(async (item) => {
        await s.schedule(Promise.resolve())
        added.push(item)
        return await batcher.add(item)
      })
      await s.waitIdle()
      expect(await Promise.all(answers)).toEqual(all.map(({ n }) => n * 2))
      expect(batches.flat()).toEqual(added)
      for (const batch of batches) {
        const weight = batch.reduce((sum, item) => sum + item.weight, 0)
        expect(batch.length === 1 || weight <= maxItems).toBe(true)
      }
    }),
  )
})

test('a batch that cannot be written fails its own items and no others', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), items, fc.integer({ min: 1, max: 8 }), async (s, all, maxItems) => {
      const failed = new Set<number>()
      const batcher = createBatcher<Item, number>({
        async write(batch) {
          await s.schedule(Promise.resolve())
          if (!batch.some(({ poisonous }) => poisonous)) return batch.map(({ n }) => n)
          for (const { n } of batch) failed.add(n)
          throw new Error('poisoned')
        },
        maxItems,
        maxWaiting: 1000,
      })
      const answers = all.map(async (item) => {
        await s.schedule(Promise.resolve())
        return await batcher.add(item)
      })
      const settled = Promise.allSettled(answers)
      await s.waitIdle()
      const rejected = (await settled).flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))
      expect(rejected).toEqual([...failed].sort((a, b) => a - b))
    }),
  )
})

/** A batcher whose writes end when the test says so. */
function held(options: { maxItems?: number; maxWaiting?: number } = {}) {
  const writes: { batch: number[]; done: () => void }[] = []
  const batcher = createBatcher<number, number>({
    write: (batch) => new Promise((resolve) => writes.push({ batch, done: () => resolve(batch) })),
    maxItems: 100,
    maxWaiting: 100,
    ...options,
  })
  return { batcher, writes }
}

test('the first item goes at once, and what comes during its write goes together in the next', async () => {
  const { batcher, writes } = held()
  const answers = [1, 2, 3].map((n) => batcher.add(n))
  expect(writes.map(({ batch }) => batch)).toEqual([[1]])
  writes[0]!.done()
  await answers[0]
  expect(writes.map(({ batch }) => batch)).toEqual([[1], [2, 3]])
  writes[1]!.done()
  expect(await Promise.all(answers)).toEqual([1, 2, 3])
})

test('an item that comes when too many wait is refused, and those that wait are not', async () => {
  const { batcher, writes } = held({ maxWaiting: 2 })
  const answers = [1, 2, 3].map((n) => batcher.add(n))
  expect(batcher.waiting).toBe(2)
  await expect(batcher.add(4)).rejects.toMatchObject({ code: 'too_many' })
  writes[0]!.done()
  await answers[0]
  writes[1]!.done()
  expect(await Promise.all(answers)).toEqual([1, 2, 3])
})

test('closing answers what was accepted and refuses what comes after', async () => {
  const { batcher, writes } = held()
  const answers = [1, 2].map((n) => batcher.add(n))
  let closed = false
  const closing = batcher.close().then(() => {
    closed = true
  })
  await expect(batcher.add(3)).rejects.toMatchObject({ code: 'unavailable' })
  writes[0]!.done()
  await answers[0]
  expect(closed).toBe(false)
  writes[1]!.done()
  await closing
  expect(await Promise.all(answers)).toEqual([1, 2])
})

test('an item heavier than the limit goes alone rather than never', async () => {
  const batches: number[][] = []
  const batcher = createBatcher<number, number>({
    async write(batch) {
      batches.push(batch)
      return batch
    },
    maxItems: 10,
    weigh: (weight) => weight,
    maxWaiting: 10,
  })
  await Promise.all([1, 50, 5, 5, 1].map((weight) => batcher.add(weight)))
  expect(batches).toEqual([[1], [50], [5, 5], [1]])
})
