export interface Column<Row> {
  title: string
  value: (row: Row) => string | number
  align?: 'right'
  /** The column that is cut when the table is wider than the terminal. */
  isFlexible?: true
}

const GAP = '  '
const MIN_FLEXIBLE = 10
/** A terminal would carry these out. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]+/g

/** Rows as aligned text under titles, no line longer than `width` characters where that can be had. */
export function renderTable<Row>(columns: Column<Row>[], rows: Row[], width: number): string {
  const cells = rows.map((row) => columns.map(({ value }) => String(value(row)).replace(CONTROL, ' ')))
  const lines = [columns.map(({ title }) => title), ...cells]
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

/** Names and values, one pair on a line, the values below each other; what is empty is left out. */
export function renderPairs(pairs: [name: string, value: string | number | null][]): string {
  const given = pairs.filter(([, value]) => value !== null && value !== '')
  const width = Math.max(...given.map(([name]) => name.length))
  return given.map(([name, value]) => `${`${name}:`.padEnd(width + 2)} ${value}`).join('\n')
}
