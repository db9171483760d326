import { expect, test } from 'bun:test'
import { parseLimits } from '../../../src/cli/queues/limits.ts'

test('limits are read as they are written, and only those that are given', () => {
  expect(parseLimits({ concurrency: '5', rate: '100/1m', keyConcurrency: '1', keyRate: '10/s' })).toEqual({
    concurrency: 5,
    rate: { limit: 100, period_ms: 60_000 },
    per_key: { concurrency: 1, rate: { limit: 10, period_ms: 1000 } },
  })
  expect(parseLimits({ rate: 'none' })).toEqual({ rate: null })
  expect(parseLimits({ keyConcurrency: 'none' })).toEqual({ per_key: { concurrency: null } })
})

test.each([
  [{}, 'give --concurrency, --rate, --key-concurrency or --key-rate'],
  [{ concurrency: '0' }, 'Invalid --concurrency: 0. Write a number from 1, or none.'],
  [{ keyConcurrency: '1.5' }, 'Invalid --key-concurrency: 1.5. Write a number from 1, or none.'],
  [{ rate: '100' }, 'Invalid --rate: 100. Write it like 100/1m, or none.'],
  [{ keyRate: '5/week' }, 'Invalid duration: 1week. Write it like'],
])('%j is refused', (options, message) => {
  expect(() => parseLimits(options)).toThrow(message)
})
