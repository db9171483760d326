import { GREATEST_PRIORITY, LEAST_PRIORITY } from '../shared/core/priority.ts'
import { isUuid } from '../shared/core/uuid.ts'
import type { Position } from '../shared/store/task-order.ts'
import { parseInstant } from './instant.ts'

/** The opaque text that stands for a place in the list of tasks. */
export function writeCursor({ scheduledAt, id, priority }: Position): string {
  return Buffer.from([scheduledAt, id, priority].filter((part) => part !== undefined).join('|')).toString(
    'base64url',
  )
}

/** The place a cursor stands for, or null when it is none of ours. */
export function readCursor(cursor: string): Position | null {
  const [scheduledAt = '', id = '', rank] = Buffer.from(cursor, 'base64url').toString('latin1').split('|', 3)
  if (parseInstant(scheduledAt.replace(' ', 'T')) === null || !isUuid(id)) return null
  if (rank === undefined) return { scheduledAt, id }
  const priority = /^-?\d{1,5}$/.test(rank) ? Number(rank) : Number.NaN
  const isPriority = priority >= LEAST_PRIORITY && priority <= GREATEST_PRIORITY
  return isPriority ? { scheduledAt, id, priority } : null
}
