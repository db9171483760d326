import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { GREATEST_PRIORITY, LEAST_PRIORITY, readPriorityRange } from '../../../../src/shared/core/priority.ts'

test.each([
  ['HIGH', 2, 2],
  ['high', 2, 2],
  ['=MEDIUM', 1, 1],
  ['-7', -7, -7],
  ['>=HIGH', 2, GREATEST_PRIORITY],
  ['>1', 2, GREATEST_PRIORITY],
  ['<= low', LEAST_PRIORITY, 0],
  ['<0', LEAST_PRIORITY, -1],
])('%s is from %d to %d', (text, min, max) => {
  expect(readPriorityRange(text)).toEqual({ min, max })
})

test.each(['', ' ', '>=', 'hihg', '1.5', '32768', '-32769', '=>1', '1..2', 'constructor', '1e3', '∞'])(
  '%p is no priority',
  (text) => {
    expect(readPriorityRange(text)).toBeNull()
  },
)

test('a comparison holds exactly those that it says', () => {
  const number = fc.integer({ min: -100, max: 100 })
  const compare = {
    '>=': (a: number, b: number) => a >= b,
    '<=': (a: number, b: number) => a <= b,
    '>': (a: number, b: number) => a > b,
    '<': (a: number, b: number) => a < b,
    '': (a: number, b: number) => a === b,
  }
  fc.assert(
    fc.property(fc.constantFrom('>=', '<=', '>', '<', '' as const), number, number, (sign, bound, value) => {
      const { min, max } = readPriorityRange(`${sign}${bound}`)!
      expect(value >= min && value <= max).toBe(compare[sign](value, bound))
    }),
  )
})
