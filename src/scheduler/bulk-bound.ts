import type { ListedState } from '../shared/store/task-order.ts'
import { readCursor } from './cursor.ts'
import { parseInstant } from './instant.ts'
import { LISTED_STATES } from './list-input.ts'

/** To what an action on many tasks is confined: the tasks that a preview counted, and no more of them than it counted. */
export interface BulkBound {
  /** When they were counted, as PostgreSQL writes it: what came into a state later was not. */
  at: string
  count: number
  /** Where the preview stopped because its time was over, as `BulkInput.cursor`; null: it saw them all. */
  until: [state: ListedState, cursor: string] | null
}

/** The opaque text that stands for a bound. */
export const writeBound = ({ at, count, until }: BulkBound): string =>
  Buffer.from(JSON.stringify([at, count, ...(until ?? [])])).toString('base64url')

/** The bound that a text stands for, or null when it is none of ours. */
export function readBound(text: string): BulkBound | null {
  try {
    const [at, count, state, cursor, ...rest] = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    const isTime = typeof at === 'string' && parseInstant(at.replace(' ', 'T')) !== null
    if (!isTime || !Number.isSafeInteger(count) || count < 0 || rest.length > 0) return null
    if (state === undefined) return { at, count, until: null }
    const isPlace = typeof cursor === 'string' && (cursor === '' || readCursor(cursor) !== null)
    return LISTED_STATES.includes(state) && isPlace ? { at, count, until: [state, cursor] } : null
  } catch {
    return null
  }
}
