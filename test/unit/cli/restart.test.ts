import { expect, test } from 'bun:test'
import { restartDelayMs } from '../../../src/cli/up/restart.ts'
import fc from '../../support/property.ts'

test('the first restart comes after about a second', () => {
  expect([0, 0.5, 0.999].map((random) => Math.round(restartDelayMs(0, random)))).toEqual([750, 1000, 1250])
})

test('what keeps ending soon waits twice as long each time, up to half a minute', () => {
  const delays = [0, 1, 2, 3, 4, 5, 6].map((quickEnds) => restartDelayMs(quickEnds, 0.5))
  expect(delays).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
})

test('no delay is shorter than 0.75 s or longer than 37.5 s, however often it ended', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (quickEnds, random) => {
        expect(restartDelayMs(quickEnds, random)).toBeWithin(750, 37_501)
      },
    ),
  )
})
