import { isStorable } from '../../shared/core/storable.ts'
import { parseInstant } from '../instant.ts'

const MAX_NAME = 255

const write = (text: string) => Buffer.from(text).toString('base64url')
const read = (cursor: string) => Buffer.from(cursor, 'base64url').toString('utf8')

/** The opaque text that stands for a place in the list of schedules: the last name before it. */
export const writeScheduleCursor = (name: string): string => write(`s${name}`)

/** The name that a cursor stands for, or null when it is none of ours. */
export function readScheduleCursor(cursor: string): string | null {
  const text = read(cursor)
  return text.startsWith('s') && text.length <= MAX_NAME + 1 && isStorable(text) ? text.slice(1) : null
}

/** The same for a ledger: the last tick before it, as PostgreSQL writes it. */
export const writeTickCursor = (tickAt: string): string => write(`t${tickAt}`)

export function readTickCursor(cursor: string): string | null {
  const text = read(cursor)
  return text.startsWith('t') && parseInstant(text.slice(1).replace(' ', 'T')) ? text.slice(1) : null
}
