import { expect, test } from 'bun:test'
import {
  countOf,
  histogramOf,
  MAX_ERROR,
  mergeHistograms,
  percentile,
} from '../../../../src/shared/core/histogram.ts'
import fc from '../../../support/property.ts'

const ms = fc.double({ min: 0.126, max: 1e9, noNaN: true })
const durations = fc.array(ms, { minLength: 1, maxLength: 200 })
const part = fc.double({ min: 0, max: 1, noNaN: true })
const of = (values: number[]) => histogramOf(values.map((value) => [value, 1] as const))

test('a percentile is within the promised error of the true one, whatever the durations', () => {
  fc.assert(
    fc.property(durations, part, (values, p) => {
      const rank = Math.max(1, Math.ceil(p * values.length))
      const truth = values.toSorted((a, b) => a - b)[rank - 1]!
      expect(Math.abs(percentile(of(values), p)! / truth - 1)).toBeLessThanOrEqual(MAX_ERROR + 1e-9)
    }),
  )
  expect(MAX_ERROR).toBeLessThan(0.045)
})

test('merging is the same as counting everything in one, in whatever order', () => {
  fc.assert(
    fc.property(fc.array(durations, { maxLength: 6 }), (parts) => {
      const whole = of(parts.flat())
      expect(mergeHistograms(parts.map(of))).toEqual(whole)
      expect(mergeHistograms(parts.map(of).reverse())).toEqual(whole)
      expect(
        mergeHistograms([mergeHistograms(parts.slice(0, 2).map(of)), ...parts.slice(2).map(of)]),
      ).toEqual(whole)
      expect(countOf(whole)).toBe(parts.flat().length)
    }),
  )
})

test('a higher percentile is never lower, and a weight counts like so many', () => {
  fc.assert(
    fc.property(durations, part, part, (values, a, b) => {
      const histogram = of(values)
      expect(percentile(histogram, Math.min(a, b))!).toBeLessThanOrEqual(
        percentile(histogram, Math.max(a, b))!,
      )
      expect(histogramOf(values.map((value) => [value, 3] as const))).toEqual(
        mergeHistograms([histogram, histogram, histogram]),
      )
    }),
  )
})

test('there is no percentile of nothing, and what took no time is the shortest there is', () => {
  expect(percentile([], 0.5)).toBeNull()
  expect(histogramOf([[0, 2]])).toEqual([0, 2])
  expect(percentile(histogramOf([[0, 2]]), 0.99)).toBeLessThan(0.13)
})
