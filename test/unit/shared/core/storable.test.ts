import { expect, test } from 'bun:test'
import { findJsonFault, isStorable } from '../../../../src/shared/core/storable.ts'
import fc from '../../../support/property.ts'

test('any JSON of ordinary text and depth is fit to be stored', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8, stringUnit: 'grapheme' }), (value) => {
      expect(findJsonFault(value, 32)).toBeNull()
    }),
  )
})

test.each([['a\0'], ['\ud800'], ['\udc00\ud800']])('%j can be stored nowhere in a value', (text) => {
  expect(isStorable(text)).toBe(false)
  for (const value of [text, [text], { in: { deep: [text] } }, { [text]: 1 }]) {
    expect(findJsonFault(value, 32)).toMatch(/NUL/)
  }
})

test('the depth is limited, and a depth without end does not exhaust the stack', () => {
  let deep: unknown = 1
  for (let depth = 0; depth < 32; depth++) deep = [deep]
  expect(findJsonFault(deep, 32)).toBeNull()
  expect(findJsonFault([deep], 32)).toMatch(/nested/)
  for (let depth = 0; depth < 1_000_000; depth++) deep = { in: deep }
  expect(findJsonFault(deep, 32)).toMatch(/nested/)
})

test.each([[Number.NaN], [Number.POSITIVE_INFINITY], [undefined], [() => 1]])('%p is no JSON', (value) => {
  expect(findJsonFault([value], 32)).toBeString()
})
