import type { TaskPage } from '../shared/store/tasks.ts'
import { parseInstant } from './instant.ts'
import { isUuid } from './uuid.ts'

type Position = NonNullable<TaskPage['after']>

/** The opaque text that stands for a place in the list of tasks. */
export function writeCursor({ scheduledAt, id }: Position): string {
  return Buffer.from(`${scheduledAt}|${id}`).toString('base64url')
}

/** The place a cursor stands for, or null when it is none of ours. */
export function readCursor(cursor: string): Position | null {
  const [scheduledAt = '', id = ''] = Buffer.from(cursor, 'base64url').toString('latin1').split('|', 2)
  const isOurs = parseInstant(scheduledAt.replace(' ', 'T')) !== null && isUuid(id)
  return isOurs ? { scheduledAt, id } : null
}
