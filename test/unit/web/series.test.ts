import { expect, test } from 'bun:test'
import { percentilesOf, throughputOf } from '../../../web/src/live/series.ts'

const bucket = (at: number, completed: number, run: number[]) => ({ at, completed, failed: 0, wait: [], run })

test('a second in which nothing ended counts as none', () => {
  expect(throughputOf([bucket(11, 4, [])], 10, 12)).toEqual([
    [10, 11, 12],
    [0, 4, 0],
    [0, 0, 0],
  ])
})

test('percentiles are taken of all that fell into a stretch, and are gaps where nothing did', () => {
  const [at, p50, , p99] = percentilesOf([bucket(10, 1, [8, 99]), bucket(12, 1, [80, 1])], 'run', 10, 19, 5)
  expect(at).toEqual([12.5, 17.5])
  expect(p50?.[1]).toBeNull()
  expect(p50?.[0]).toBe(p99?.[0] as number)
})
