import { parseExact } from '../core/exact-json.ts'

/**
 * Arrays of PostgreSQL's own types, for the driver. It would otherwise ask the server for all array types each time that it
 * connects, and when the connection broke meanwhile, that would be a rejection that nobody handles. Without that question its
 * `reserve()` never resolves: open a pool of one connection instead.
 */

interface ArrayType {
  to: number
  from: number[]
  parse: (text: string) => unknown
  serialize: (value: unknown) => unknown
}

type Parse = (text: string) => unknown

const asText: Parse = (text) => text
const isTrue: Parse = (text) => text === 't'
const asDate: Parse = (text) => new Date(text)

/** By the ids of array types: see pg_type.dat of PostgreSQL, which never changes them. */
const PARSERS: Record<number, Parse> = {
  199: parseExact, // json
  1000: isTrue, // bool
  1003: asText, // name
  1005: Number, // int2
  1007: Number, // int4
  1009: asText, // text
  1015: asText, // varchar
  1016: Number, // int8
  1021: Number, // float4
  1022: Number, // float8
  1028: Number, // oid
  1115: asDate, // timestamp
  1182: asDate, // date
  1185: asDate, // timestamptz
  1231: asText, // numeric
  2210: asText, // regclass
  2951: asText, // uuid
  3807: parseExact, // jsonb
}

/** One for all: a literal in the function would be an object for each element. */
const ESCAPED = /[\\"]/g

const isJson = (oid: number) => oid === 199 || oid === 3807

export const arrayTypes: Record<string, ArrayType> = Object.fromEntries(
  Object.entries(PARSERS).map(([key, parse]) => {
    const oid = Number(key)
    const write = isJson(oid) ? JSON.stringify : writeElement
    const serialize = (value: unknown) => (Array.isArray(value) ? writeArray(value, write) : value)
    return [`array_${oid}`, { to: oid, from: [oid], parse: (text) => readArray(text, parse), serialize }]
  }),
)

/** @throws on `undefined`, which is a mistake of ours */
function writeElement(value: unknown): string {
  if (value === undefined) throw new TypeError('an element of an array is undefined')
  return value instanceof Date ? value.toISOString() : String(value)
}

export function writeArray(values: unknown[], write: (value: unknown) => string = writeElement): string {
  const one = (value: unknown): string => {
    if (value === null) return 'NULL'
    if (Array.isArray(value)) return writeArray(value, write)
    return `"${write(value).replace(ESCAPED, '\\$&')}"`
  }
  return `{${values.map(one).join(',')}}`
}

/** Reads an array of one dimension as PostgreSQL writes it. */
export function readArray<T>(text: string, parse: (text: string) => T): (T | null)[] {
  const values: (T | null)[] = []
  for (let at = 1; at < text.length - 1; at++) {
    if (text[at] === '"') {
      let value = ''
      for (at++; text[at] !== '"'; at++) {
        if (text[at] === '\\') at++
        value += text[at]
      }
      values.push(parse(value))
      at++
    } else {
      const comma = text.indexOf(',', at)
      const end = comma < 0 ? text.length - 1 : comma
      const value = text.slice(at, end)
      values.push(value === 'NULL' ? null : parse(value))
      at = end
    }
  }
  return values
}
