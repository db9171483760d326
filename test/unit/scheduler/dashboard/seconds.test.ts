import { expect, test } from 'bun:test'
import { createSeconds } from '../../../../src/scheduler/dashboard/seconds.ts'
import { countOf, percentile } from '../../../../src/shared/core/histogram.ts'

const row = (ms: number | null): [string, number, number, number, number | null] => ['t', 1, 1, 0, ms]

test('every second has what ended in it, and how long that waited and ran', () => {
  const seconds = createSeconds(300)
  seconds.add({ type: 'assigned', count: 2, at: 5000, rows: [row(3), row(4)] })
  seconds.add({ type: 'completed', count: 1, at: 5999, rows: [row(100)] })
  seconds.add({ type: 'failed', count: 1, at: 6000, rows: [row(null)] })
  seconds.add({ type: 'retrying', count: 1, at: 6000, rows: [row(null)] })
  const [first, second] = seconds.all()
  expect(first).toMatchObject({ at: 5, completed: 1, failed: 0 })
  expect([countOf(first!.wait), countOf(first!.run)]).toEqual([2, 1])
  expect(percentile(first!.run, 0.5)! / 100).toBeCloseTo(1, 1)
  expect(second).toEqual({ at: 6, completed: 0, failed: 1, wait: [], run: [] })
})

test('the rows of a notice stand for all that it counts', () => {
  const seconds = createSeconds(300)
  seconds.add({ type: 'completed', count: 1000, at: 0, rows: [row(1), row(10), row(100)] })
  expect(countOf(seconds.all()[0]!.run)).toBe(1000)
  expect(percentile(seconds.all()[0]!.run, 0.5)! / 10).toBeCloseTo(1, 1)
})

test('a second that goes on is told again, whole; one that is over is told once', () => {
  const seconds = createSeconds(300)
  seconds.add({ type: 'completed', count: 1, at: 1000, rows: [row(1)] })
  expect(seconds.changed()).toHaveLength(1)
  expect(seconds.changed()).toEqual([])
  seconds.add({ type: 'completed', count: 2, at: 1500, rows: [row(1), row(1)] })
  expect(seconds.changed()).toMatchObject([{ at: 1, completed: 3 }])
})

test('only so many seconds are kept, whatever order the notices come in', () => {
  const seconds = createSeconds(10)
  for (const at of [20_000, 5000, 12_000, 9999, 11_000])
    seconds.add({ type: 'completed', count: 1, at, rows: [] })
  expect(seconds.all().map(({ at }) => at)).toEqual([11, 12, 20])
})
