import { expect, test } from 'bun:test'
import { arrange, laneMiddle, toX, WINDOW_MS } from '../../../web/src/live/geometry.ts'
import { listBars } from '../../../web/src/live/lanes.ts'
import { createRing } from '../../../web/src/live/ring.ts'
import fc from '../../support/property.ts'
import { span } from './span.ts'

const ROWS = [
  { workerId: 1, slots: 5 },
  { workerId: 2, slots: 5 },
]
const NOW = 1_000_000

function barsOf(spans: Parameters<typeof span>[0][]) {
  const ring = createRing(1024)
  for (const given of spans) ring.put(span(given))
  return listBars(ring, ROWS, NOW - WINDOW_MS, NOW)
}

test('a task that runs is a bar from its start to now', () => {
  const [bar] = barsOf([{ slot: 2, pickedAt: NOW - 5000, startedAt: NOW - 4000 }])
  expect(bar).toMatchObject({ slot: 2, from: NOW - 5000, started: NOW - 4000, end: NOW, outcome: 'none' })
})

test('a task that waits in its worker is shown in a lane that is free', () => {
  const bars = barsOf([
    { taskId: 'a', slot: 0, pickedAt: NOW - 900, startedAt: NOW - 800 },
    { taskId: 'b', pickedAt: NOW - 500 },
  ])
  expect(bars.find(({ taskId }) => taskId === 'b')).toMatchObject({ slot: 1, from: NOW - 500, end: NOW })
})

test('what waits while every lane is busy is not drawn over one that runs', () => {
  const busy = [0, 1, 2, 3, 4].map((slot) => ({
    taskId: `t${slot}`,
    slot,
    pickedAt: NOW - 900,
    startedAt: NOW - 800,
  }))
  expect(barsOf([...busy, { taskId: 'late', pickedAt: NOW - 100 }])).toHaveLength(5)
})

test('the wait of a task begins where the bar before it in the lane ends', () => {
  const bars = barsOf([
    {
      taskId: 'a',
      slot: 0,
      pickedAt: NOW - 900,
      startedAt: NOW - 800,
      endedAt: NOW - 300,
      outcome: 'completed',
    },
    { taskId: 'b', slot: 0, pickedAt: NOW - 850, startedAt: NOW - 290 },
  ])
  expect(bars.map(({ from, end }) => [from, end])).toEqual([
    [NOW - 900, NOW - 300],
    [NOW - 300, NOW],
  ])
})

test('an end that is told after the next start does not make bars overlap', () => {
  const first = { taskId: 'a', slot: 0, pickedAt: NOW - 900, startedAt: NOW - 800 }
  const bars = barsOf([
    first,
    { taskId: 'b', slot: 0, pickedAt: NOW - 850, startedAt: NOW - 290 },
    { ...first, endedAt: NOW - 280, outcome: 'completed' },
  ])
  expect(bars[0]?.end).toBe(NOW - 290)
})

test('what ended before the picture begins, or belongs to nobody in it, is left out', () => {
  const old = NOW - WINDOW_MS - 1000
  expect(barsOf([{ slot: 0, pickedAt: old - 10, startedAt: old - 5, endedAt: old }])).toEqual([])
  expect(barsOf([{ workerId: 9, slot: 0, pickedAt: NOW - 10, startedAt: NOW - 5 }])).toEqual([])
})

test('bars of one lane never overlap, whatever a worker runs in it', () => {
  const time = fc.integer({ min: NOW - 30_000, max: NOW })
  const told = fc.array(
    fc.record({
      slot: fc.integer({ min: 0, max: 2 }),
      times: fc.tuple(time, time, time),
      open: fc.boolean(),
    }),
    { maxLength: 25 },
  )
  fc.assert(
    fc.property(told, (entries) => {
      // As workers do it: the next one of a slot starts when the one before has ended.
      const ends = new Map<number, number>()
      const spans = entries.flatMap(({ slot, times, open }, index) => {
        const [pickedAt, startedAt, endedAt] = times.toSorted((a, b) => a - b) as [number, number, number]
        if (startedAt < (ends.get(slot) ?? 0)) return []
        ends.set(slot, open ? Number.POSITIVE_INFINITY : endedAt)
        const begun = { taskId: `t${index}`, slot, pickedAt, startedAt }
        return open ? [begun] : [begun, { ...begun, endedAt, outcome: 'completed' as const }]
      })
      for (const slot of [0, 1, 2]) {
        const bars = barsOf(spans)
          .filter((bar) => bar.slot === slot)
          .sort((a, b) => a.end - b.end)
        for (const [index, bar] of bars.entries())
          if (index > 0) expect(bar.from).toBeGreaterThanOrEqual(bars[index - 1]!.end)
      }
    }),
  )
})

test('the ring forgets the oldest first, and finds only what it still has', () => {
  const ring = createRing(2)
  for (const taskId of ['a', 'b', 'c']) ring.put(span({ taskId, pickedAt: 1 }))
  expect([ring.find('a', 1), ring.find('b', 1) !== undefined, ring.find('c', 1) !== undefined]).toEqual([
    undefined,
    true,
    true,
  ])
  ring.clear()
  expect(ring.find('c', 1)).toBeUndefined()
})

test('lanes lie within their worker, workers below each other, and now at the right', () => {
  const { blocks, pitch, height } = arrange(ROWS)
  expect(laneMiddle(blocks[0]!, 4, pitch)).toBeLessThan(laneMiddle(blocks[1]!, 0, pitch))
  expect(laneMiddle(blocks[1]!, 4, pitch)).toBeLessThan(height)
  expect(toX(NOW, NOW, 800)).toBeGreaterThan(toX(NOW - 1000, NOW, 800))
  expect(toX(NOW - WINDOW_MS, NOW, 800)).toBe(0)
})
