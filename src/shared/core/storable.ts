import { decimalOf, ExactNumber } from './exact-json.ts'
import { OUTPUT_LIMITS, truncate } from './output.ts'

/** Whether PostgreSQL can store a text: neither `text` nor `jsonb` takes NUL or unpaired surrogates. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

/** A text as PostgreSQL can store it: what cannot be is replaced by U+FFFD. */
export const storableText = (text: string): string =>
  isStorable(text) ? text : text.replaceAll('\0', '\ufffd').toWellFormed()

/** A number as jsonb can store it, without growing to thousands of digits. */
const isStorableNumber = (digits: string) =>
  digits.length <= MAX_DIGITS &&
  Number.isFinite(Number(digits)) &&
  (Number(digits) !== 0 || decimalOf(digits) === '0')

/** Characters of a number. */
const MAX_DIGITS = 1000

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
    if (typeof item === 'number' && !Number.isFinite(item)) return OUT_OF_RANGE
    if (item instanceof ExactNumber || typeof item === 'bigint') {
      if (!isStorableNumber(String(item))) return OUT_OF_RANGE
      continue
    }
    if (typeof item !== 'object' || item === null) {
      if (!['string', 'number', 'boolean', 'object'].includes(typeof item)) return NOT_JSON
      continue
    }
    if (depth >= maxDepth) return `must not be nested deeper than ${maxDepth} levels`
    if (!Object.keys(item).every(isStorable)) return UNSTORABLE
    // A field that is undefined is one that is not there.
    for (const inner of Object.values(item))
      if (inner !== undefined || Array.isArray(item)) left.push([inner, depth + 1])
  }
  return null
}

/** How deep a result may be nested. */
export const MAX_RESULT_DEPTH = 100

/** A text as the JSON of a result: cut, so that it has room whatever is escaped in it. */
export const textResult = (text: string): string =>
  JSON.stringify(truncate(storableText(text), (OUTPUT_LIMITS.result >> 1) - 1))

const NOT_JSON = 'must be JSON'
const OUT_OF_RANGE = 'must not contain numbers that are out of range'
export const UNSTORABLE = 'must not contain NUL characters or unpaired surrogates'
