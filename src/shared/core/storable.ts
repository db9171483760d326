/** Whether PostgreSQL can store a text: neither `text` nor `jsonb` takes NUL or unpaired surrogates. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

/**
 * What makes a JSON value unfit to be stored, or null when it is fit. Walks with a stack of its own, so that
 * no depth of nesting can exhaust ours.
 *
 * @param maxDepth how many arrays and objects may lie within each other
 */
export function findJsonFault(value: unknown, maxDepth: number): string | null {
  const left: [value: unknown, depth: number][] = [[value, 0]]
  for (let next = left.pop(); next; next = left.pop()) {
    const [item, depth] = next
    if (typeof item === 'string' && !isStorable(item)) return UNSTORABLE
    if (typeof item === 'number' && !Number.isFinite(item))
      return 'must not contain numbers that are out of range'
    if (typeof item !== 'object' || item === null) {
      if (!['string', 'number', 'boolean', 'object'].includes(typeof item)) return 'must be JSON'
      continue
    }
    if (depth >= maxDepth) return `must not be nested deeper than ${maxDepth} levels`
    if (!Object.keys(item).every(isStorable)) return UNSTORABLE
    for (const inner of Object.values(item)) left.push([inner, depth + 1])
  }
  return null
}

export const UNSTORABLE = 'must not contain NUL characters or unpaired surrogates'
