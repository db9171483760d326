import { expect, test } from 'bun:test'
import { backoffMs } from '../../../../src/shared/core/backoff.ts'
import { MAX_WINDOW, movingMean, windowFor } from '../../../../src/shared/core/window.ts'
import fc from '../../../support/property.ts'

const options = { baseMs: 100, capMs: 5000 }
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

test('a delay doubles its reach with every failure, up to the cap', () => {
  expect([0, 1, 2, 5, 6, 50].map((tries) => backoffMs(tries, 0.5, options))).toEqual([
    50, 100, 200, 1600, 2500, 2500,
  ])
})

test('no delay is negative or above the cap, after however many failures', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      random,
      fc.integer({ min: 1 }),
      fc.integer({ min: 1 }),
      (tries, at, baseMs, capMs) => {
        expect(backoffMs(tries, at, { baseMs, capMs })).toBeWithin(0, capMs + 1)
      },
    ),
  )
})

test('the jitter is full: one that fails again may come back at once', () => {
  expect(backoffMs(10, 0, options)).toBe(0)
})

const runMs = fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }), { nil: null })
const slots = fc.integer({ min: 1, max: 1024 })
const roundTripMs = fc.double({ min: 0, max: 1e6, noNaN: true })

test('a worker may always hold one task per slot, and never more than the largest window beyond that', () => {
  fc.assert(
    fc.property(slots, runMs, roundTripMs, (count, ms, trip) => {
      const window = windowFor(count, ms, trip)
      expect(window).toBeWithin(count, Math.max(count, MAX_WINDOW) + 1)
      expect(window).toBe(Math.floor(window))
    }),
  )
})

test('a worker whose run times are unknown is given one task per slot', () => {
  expect(windowFor(5, null, 1000)).toBe(5)
})

test('long tasks are not queued behind each other; instantaneous ones are queued by the hundred', () => {
  expect(windowFor(5, 5000, 10)).toBe(5)
  expect(windowFor(5, 0.05, 10)).toBe(MAX_WINDOW)
  expect(windowFor(5, 2, 10)).toBe(30)
})

test('a window never grows when tasks become longer', () => {
  fc.assert(
    fc.property(slots, fc.tuple(roundTripMs, roundTripMs), roundTripMs, (count, [a, b], trip) => {
      expect(windowFor(count, Math.max(a, b), trip)).toBeLessThanOrEqual(
        windowFor(count, Math.min(a, b), trip),
      )
    }),
  )
})

test('a moving mean begins with the first value and stays between the extremes', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -1e6, max: 1e6 }), { minLength: 1 }), random, (values, weight) => {
      const mean = values.reduce<number | null>((before, value) => movingMean(before, value, weight), null)!
      expect(mean).toBeGreaterThanOrEqual(Math.min(...values) - 1e-6)
      expect(mean).toBeLessThanOrEqual(Math.max(...values) + 1e-6)
    }),
  )
})
