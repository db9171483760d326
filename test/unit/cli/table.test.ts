import { expect, test } from 'bun:test'
import { type Column, renderPairs, renderTable } from '../../../src/cli/table.ts'
import fc from '../../support/property.ts'

interface Row {
  name: string
  count: number
  text: string
}

const columns: Column<Row>[] = [
  { title: 'NAME', value: (row) => row.name },
  { title: 'N', value: (row) => row.count, align: 'right' },
  { title: 'TEXT', value: (row) => row.text, isFlexible: true },
]

test('columns are aligned, numbers to the right', () => {
  const rows = [
    { name: 'a', count: 5, text: 'short' },
    { name: 'longer', count: 123, text: '' },
  ]
  expect(renderTable(columns, rows, 80)).toBe(
    ['NAME      N  TEXT', 'a         5  short', 'longer  123'].join('\n'),
  )
})

test('the flexible column is cut to the width of the terminal', () => {
  const table = renderTable(columns, [{ name: 'a', count: 1, text: 'x'.repeat(100) }], 40)
  expect(table.split('\n')[1]).toBe(`a     1  ${'x'.repeat(30)}…`)
})

test('what a terminal would carry out is not printed', () => {
  const table = renderTable(columns, [{ name: 'a', count: 1, text: 'red\u001b[31m\nline' }], 80)
  expect(table.split('\n')).toHaveLength(2)
  expect(table).not.toContain('\u001b')
})

test('no line is wider than the terminal while the flexible column can give way', () => {
  const row = fc.record({
    name: fc.string({ maxLength: 10 }),
    count: fc.nat(99),
    text: fc.string({ unit: 'grapheme' }),
  })
  fc.assert(
    fc.property(fc.array(row), (rows) => {
      for (const line of renderTable(columns, rows, 40).split('\n')) {
        expect(Bun.stringWidth(line)).toBeLessThanOrEqual(40)
      }
    }),
  )
})

test('pairs stand below each other, without the empty ones', () => {
  expect(
    renderPairs([
      ['A', 1],
      ['Longer', 'x'],
      ['No', ''],
      ['None', null],
    ]),
  ).toBe('A:       1\nLonger:  x')
})
