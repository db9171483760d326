export interface Totals {
  passed: number
  failed: number
}

/**
 * The totals at the end of what `bun test` said. A run that failed without naming a failure (it crashed, or
 * was killed) counts as one.
 */
export function readTotals(said: string, code: number): Totals {
  const plain = Bun.stripANSI(said)
  const count = (word: string) =>
    Number([...plain.matchAll(new RegExp(`^ *(\\d+) ${word}`, 'gm'))].at(-1)?.[1] ?? 0)
  const failed = count('fail')
  return { passed: count('pass'), failed: code !== 0 && failed === 0 ? 1 : failed }
}

export function addTotals(a: Totals, b: Totals): Totals {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed }
}
