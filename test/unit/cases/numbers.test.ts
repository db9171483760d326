import { expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  decimalOf,
  ExactNumber,
  findInexact,
  isExact,
  parseExact,
  parseForCode,
} from '../../../src/shared/core/exact-json.ts'
import { numberText } from '../../support/numbers.ts'

const RUNS = { numRuns: 2000, seed: 9_007_199 }

test('a number is held when what JavaScript makes of it has the same decimal value', () => {
  for (const held of [
    '0',
    '-0',
    '1.0',
    '1',
    '0.1',
    '1e2',
    '100E-2',
    '9007199254740992',
    '1e23',
    '5e-324',
    '0e999',
  ])
    expect({ held, isExact: isExact(held) }).toEqual({ held, isExact: true })
  const others = [
    '9007199254740993',
    '0.1000000000000000000001',
    '1e400',
    '-1E400',
    '1e-400',
    '1.7976931348623159e308',
  ]
  for (const other of [...others, '1e99999999999999999999'])
    expect({ other, isExact: isExact(other) }).toEqual({ other, isExact: false })
})

test('what is read is written with the same decimal value, whatever the number and wherever it is', () => {
  fc.assert(
    fc.property(numberText, fc.string(), (number, text) => {
      const json = `{"a": [${JSON.stringify(text)}, {"b\\"": ${number}}], "c": "${'9'.repeat(20)}"}`
      const written = JSON.stringify(parseExact(json))
      const expected = JSON.stringify({ a: [text, { 'b"': 0 }], c: '9'.repeat(20) })
      const [before = '', after = ''] = expected.split('":0}')
      const found = written.slice(before.length + 2, written.length - after.length - 1)
      expect(written.startsWith(`${before}":`)).toBeTrue()
      expect(decimalOf(found)).toBe(decimalOf(number))
      expect(findInexact(json) === null).toBe(isExact(number))
    }),
    RUNS,
  )
})

test('for code, a number that JavaScript would change is a string of its digits', () => {
  expect(parseForCode('{"id": 9007199254740993, "n": [1, 1e400], "s": "9007199254740993"}')).toEqual({
    ...{ id: '9007199254740993', n: [1, '1e400'], s: '9007199254740993' },
  })
})

test('the place of a number that cannot be kept is told as one would write it', () => {
  const why = 'cannot be represented exactly; send it as a string'
  for (const [json, place] of [
    ['{"payload":{"id":9007199254740993}}', 'payload.id: '],
    ['{"tasks":[{"payload":1},{"payload":[{"id":9007199254740993}]}]}', 'tasks[1].payload[0].id: '],
    ['{"payload":{"a b":9007199254740993}}', 'payload["a b"]: '],
    ['{"a":9007199254740993,"b":9007199254740995}', 'a: '],
    ['9007199254740993', ''],
  ] as const)
    expect(findInexact(json)).toBe(`${place}9007199254740993 ${why}`)
  expect(findInexact(`{"n":${'1'.repeat(5000)}}`)).toBe(`n: ${'1'.repeat(60)}… ${why}`)
  expect(findInexact('{"n":"9007199254740993","\\\\":"\\"9007199254740993"}')).toBeNull()
})

test('a number of any length is judged in a moment', () => {
  const begin = performance.now()
  for (const digits of ['1'.repeat(1_000_000), `0.${'0'.repeat(1_000_000)}1`, `1${'0'.repeat(1_000_000)}1`])
    expect(isExact(digits)).toBeFalse()
  expect(parseExact(`[${'1'.repeat(100_000)}]`)).toEqual([new ExactNumber('1'.repeat(100_000)) as never])
  expect(performance.now() - begin).toBeLessThan(5000)
})
