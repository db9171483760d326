import { expect, test } from 'bun:test'
import { createSteadiness } from '../../../src/coordinator/steadiness.ts'
import fc from '../../support/property.ts'

const LEASE_MS = 3000

/** Beats at these instants. */
function steadinessOf(...beats: number[]) {
  const steadiness = createSteadiness(LEASE_MS)
  for (const at of beats) steadiness.beat(at)
  return steadiness
}
const everySecond = (from: number, to: number) =>
  Array.from({ length: Math.floor((to - from) / 1000) + 1 }, (_, n) => from + n * 1000)

test('silence is judged after as many beats in a row as a lease lasts', () => {
  expect(steadinessOf(...everySecond(0, 2000)).isProven()).toBeFalse()
  expect(steadinessOf(...everySecond(0, 3000)).isProven()).toBeTrue()
})

test('after a gap, by whatever clock, silence is judged when a lease has lasted anew', () => {
  for (const resumed of [60_000, 4600, 1000]) {
    const beats = [...everySecond(0, 3000), ...everySecond(resumed, resumed + 2000)]
    expect([resumed, steadinessOf(...beats).isProven()]).toEqual([resumed, false])
    expect([resumed, steadinessOf(...beats, resumed + 3000).isProven()]).toEqual([resumed, true])
  }
})

test('a beat that failed is a gap', () => {
  const steadiness = steadinessOf(...everySecond(0, 5000))
  steadiness.fail()
  expect([steadiness.isProven(), steadiness.isBroken(5000)]).toEqual([false, true])
  steadiness.beat(6000)
  expect([steadiness.isProven(), steadiness.isBroken(6000)]).toEqual([false, true])
})

test('a gap is seen before the first beat after it, and for as long as a lease lasts', () => {
  const steadiness = steadinessOf(...everySecond(0, 5000))
  expect(steadiness.isBroken(6000)).toBeFalse()
  expect(steadiness.isBroken(6600)).toBeTrue()
  for (const at of everySecond(6600, 8600)) steadiness.beat(at)
  expect(steadiness.isBroken(9599)).toBeTrue()
  steadiness.beat(9600)
  expect(steadiness.isBroken(9601)).toBeFalse()
})

test('at the start there was no gap: a worker that leaves at once is given up at once', () => {
  expect(createSteadiness(LEASE_MS).isBroken(1_000_000)).toBeFalse()
  expect(steadinessOf(1_000_000).isBroken(1_000_000)).toBeFalse()
})

test('whatever the beats, nobody is judged unless they came densely for as long as a lease lasts', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -500, max: 4000 }), { maxLength: 30 }), (steps) => {
      const steadiness = createSteadiness(LEASE_MS)
      const beats: number[] = []
      for (const step of steps) {
        beats.push((beats.at(-1) ?? 0) + step)
        steadiness.beat(beats.at(-1)!)
        let from = beats.length - 1
        while (
          from > 0 &&
          beats[from]! >= beats[from - 1]! &&
          beats[from]! - beats[from - 1]! <= LEASE_MS / 2
        )
          from--
        expect(steadiness.isProven()).toBe(beats.at(-1)! - beats[from]! >= LEASE_MS)
      }
    }),
  )
})
