import { expect, test } from 'bun:test'
import { csvCell, csvHead } from '../../../src/scheduler/export/csv.ts'
import { nextLimit } from '../../../src/scheduler/export/exports.ts'
import fc from '../../support/property.ts'

/** Reads one row of RFC 4180. */
function readCells(row: string): string[] {
  const cells = row.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(?:,|$)/gy)
  return [...cells].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '').slice(0, -1)
}

test('any text comes back from a row as it was, but for the apostrophe before what would be a formula', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }), (texts) => {
      const row = [...texts, 'end'].map(csvCell).join(',')
      const read = readCells(`${row},`).slice(0, texts.length)
      expect(read.map((text, index) => (text === `'${texts[index]}` ? texts[index] : text))).toEqual(texts)
    }),
  )
})

test.each([
  '=1+1',
  '+1',
  '-1',
  '@SUM(A1)',
  '\t=1',
  '\r=1',
  '\n=1',
  ' =1',
  '＝1',
  '=HYPERLINK("http://x","y")',
])('%j is no formula any more', (text) => {
  expect(csvCell(text).replace(/^"/, '')).toStartWith("'")
  expect(readCells(`${csvCell(text)},end,`)[0]).toBe(`'${text}`)
})

test('numbers stay numbers, also below zero, and what is not set is empty', () => {
  expect([-5, 0.25, true, null, undefined, ''].map(csvCell)).toEqual(['-5', '0.25', 'true', '', '', ''])
  expect(csvCell({ a: 'b,"c"' })).toBe('"{""a"":""b,\\""c\\""""}"')
  expect(csvHead()).toMatch(/^task_id,name,state,.*\r\n$/)
})

test('a page holds as many rows as make a MiB, from one to a thousand', () => {
  expect([1, 1024, 10_240, 400_000, 9e9].map(nextLimit)).toEqual([1000, 1000, 102, 2, 1])
})
