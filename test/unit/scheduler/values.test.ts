import { expect, test } from 'bun:test'
import { hasTooManyValues, MOST_VALUES } from '../../../src/scheduler/rest/values.ts'

const encode = (text: string) => new TextEncoder().encode(text)

test.each([
  ['[{},{},{}]', 4],
  ['{"a":{"b":[1,2,3]},"c":null}', 6],
  ['{"text":"{[:{[:","more":"\\"{{{{"}', 3],
  ['["\\\\","{","[["]', 1],
  ['{"😀":"{","é":[]}', 4],
])('%s has %d objects, arrays and fields', (json, count) => {
  expect(hasTooManyValues(encode(json), count, 0)).toBe(false)
  expect(hasTooManyValues(encode(json), count - 1, 0)).toBe(true)
})

test('a text as large as may be is no reason by itself', () => {
  const text = encode(`{"command":"${'{[:'.repeat(5_000_000)}"}`)
  expect(hasTooManyValues(text)).toBe(false)
  expect(hasTooManyValues(encode(`[${'{},'.repeat(MOST_VALUES)}{}]`))).toBe(true)
})
