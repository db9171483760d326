import { terminalLine, terminalText } from '../shared/core/terminal.ts'

export interface Column<Row> {
  title: string
  value: (row: Row) => string | number
  align?: 'right'
  /** The column that is cut when the table is wider than the terminal. */
  isFlexible?: true
}

const GAP = '  '
const MIN_FLEXIBLE = 10

/** Rows as aligned text under titles, no line longer than `width` characters where that can be had. */
export function renderTable<Row>(columns: Column<Row>[], rows: Row[], width: number): string {
  const cells = rows.map((row) =>
    columns.map(({ value }) => terminalLine(String(value(row))).replaceAll('\t', ' ')),
  )
  const lines = [columns.map(({ title }) => terminalLine(title)), ...cells]
  const widths = columns.map((_, index) =>
    Math.max(...lines.map((line) => Bun.stringWidth(line[index] ?? ''))),
  )
  const flexible = columns.findIndex(({ isFlexible }) => isFlexible)
  const total = widths.reduce((sum, one) => sum + one + GAP.length, -GAP.length)
  if (flexible >= 0 && total > width) {
    widths[flexible] = Math.max(MIN_FLEXIBLE, (widths[flexible] as number) - (total - width))
  }
  return lines.map((line) => renderLine(line, widths, columns)).join('\n')
}

function renderLine<Row>(line: string[], widths: number[], columns: Column<Row>[]): string {
  const cells = line.map((cell, index) => {
    const width = widths[index] as number
    const cut = cutTo(cell, width)
    const padding = ' '.repeat(Math.max(0, width - Bun.stringWidth(cut)))
    return columns[index]?.align === 'right' ? padding + cut : cut + padding
  })
  return cells.join(GAP).trimEnd()
}

/** Cut between characters, some of which are two columns wide. */
function cutTo(cell: string, width: number): string {
  if (Bun.stringWidth(cell) <= width) return cell
  let cut = ''
  for (const { segment } of new Intl.Segmenter().segment(cell)) {
    if (Bun.stringWidth(cut + segment) > width - 1) break
    cut += segment
  }
  return `${cut}…`
}

/**
 * Names and values, one pair on a line, the values below each other; what is empty is left out. Further lines of a value
 * are below its first, so that none of them can pass for a pair.
 */
export function renderPairs(pairs: [name: string, value: string | number | null][]): string {
  const given = pairs.filter(([, value]) => value !== null && value !== '')
  const width = Math.max(...given.map(([name]) => name.length))
  const below = `\n${' '.repeat(width + 3)}`
  return given
    .map(([name, value]) => {
      const lines = terminalText(String(value)).trimEnd().replaceAll('\n', below)
      return `${`${name}:`.padEnd(width + 2)} ${lines}`
    })
    .join('\n')
}
