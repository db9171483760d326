import type { Json } from './task.ts'
import { headOf } from './text.ts'

/**
 * JSON whose numbers keep their digits. `JSON.parse` makes each a double, which changes 9007199254740993 to …992 and
 * says nothing. Here, a number that a double does not hold is told apart: by its decimal value, so that 1.0 and 1e0
 * are as good as 1.
 */

/** `JSON.rawJSON` and the text of a number are known to Bun and to browsers since 2025, not yet to TypeScript. */
const { rawJSON } = JSON as { rawJSON?: (text: string) => unknown }
type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown
const parseWith = JSON.parse as (text: string, reviver: Reviver) => Json

/** Digits as what `JSON.stringify` writes as they are. */
export const exactly = (digits: string): unknown => (rawJSON ? rawJSON(digits) : digits)

/** A number as its digits, which `JSON.stringify` writes as they are. */
export class ExactNumber {
  constructor(readonly digits: string) {}

  toJSON(): unknown {
    return exactly(this.digits)
  }

  toString(): string {
    return this.digits
  }
}

/**
 * A JSON text as a value, in which each number that a double does not hold is an `ExactNumber`.
 *
 * @throws SyntaxError
 */
export function parseExact(text: string): Json {
  const value = JSON.parse(text) as Json
  return hasInexact(text) ? revive(text, (digits) => new ExactNumber(digits) as unknown as Json) : value
}

/** The same, for code that knows only numbers: each that a double does not hold is a string of its digits. */
export function parseForCode(text: string): Json {
  const value = JSON.parse(text) as Json
  return hasInexact(text) ? revive(text, (digits) => digits) : value
}

function revive(text: string, make: (digits: string) => Json): Json {
  return parseWith(text, (_key, value, context) =>
    typeof value === 'number' && context?.source !== undefined && !isExact(context.source)
      ? make(context.source)
      : value,
  )
}

/** Where a JSON text has a number that a double does not hold: `payload.id: 9007199254740993 cannot …`; null: nowhere. */
export function findInexact(text: string): string | null {
  if (!hasInexact(text)) return null
  const left: { value: Json; path: string }[] = [{ value: parseExact(text), path: '' }]
  for (let next = left.pop(); next; next = left.pop()) {
    const { value, path } = next
    if (value instanceof ExactNumber) {
      const digits = value.digits.length > 60 ? `${headOf(value.digits, 60)}…` : value.digits
      const place = path === '' ? '' : `${headOf(path, 200)}: `
      return `${place}${digits} cannot be represented exactly; send it as a string`
    }
    if (typeof value !== 'object' || value === null) continue
    const isArray = Array.isArray(value)
    // The first of them is found first.
    for (const [key, inner] of Object.entries(value).reverse())
      if (typeof inner === 'object') left.push({ value: inner, path: join(path, key, isArray) })
  }
  return null
}

function join(path: string, key: string, isIndex: boolean): string {
  if (path.length > 200) return path
  if (isIndex) return `${path}[${key}]`
  if (!/^[\w$-]{1,100}$/.test(key)) return `${path}[${JSON.stringify(headOf(key, 100))}]`
  return path === '' ? key : `${path}.${key}`
}

/** Whether a JSON text has numbers that a double does not hold. */
function hasInexact(text: string): boolean {
  // Up to 15 digits and exponents below 100 are always held.
  if (!/[\d.]{16}|\d[eE][-+]?\d{3}/.test(text)) return false
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === QUOTE) at = endOfString(text, at)
    else if (unit === MINUS || (unit >= ZERO && unit <= NINE)) {
      NUMBER.lastIndex = at
      const [digits = ''] = NUMBER.exec(text) ?? []
      if (!isExact(digits)) return true
      at += digits.length - 1
    }
  }
  return false
}

const [QUOTE, BACKSLASH, MINUS, ZERO, NINE] = [0x22, 0x5c, 0x2d, 0x30, 0x39]
const NUMBER = /[-+.\deE]+/y

/** Where the string that begins at a quote ends. */
function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); ; end = text.indexOf('"', end + 1)) {
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return end < 0 ? text.length : end
  }
}

/** Whether a double holds the decimal value of a JSON number: what JavaScript writes for it has the same. */
export function isExact(digits: string): boolean {
  const number = Number(digits)
  const written = String(number)
  return written === digits || (Number.isFinite(number) && decimalOf(written) === decimalOf(digits))
}

/** A number as its digits without zeros at either end, and its exponent: the same for the same value. */
export function decimalOf(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(text) ?? []
  const digits = whole + fraction
  let [from, to] = [0, digits.length]
  while (from < to && digits.charCodeAt(from) === ZERO) from++
  while (to > from && digits.charCodeAt(to - 1) === ZERO) to--
  if (from === to) return '0'
  return `${sign}${digits.slice(from, to)}e${Number(exponent) - fraction.length + digits.length - to}`
}
