import { AppError } from '../shared/core/error.ts'
import { PRIORITIES, type PriorityName } from '../shared/core/task.ts'

const MIN = -32_768
const MAX = 32_767

/**
 * The number of a priority given by name, in any case, or by number.
 *
 * @throws `invalid`
 */
export function parsePriority(text: string): number {
  const name = text.toUpperCase()
  if (Object.hasOwn(PRIORITIES, name)) return PRIORITIES[name as PriorityName]
  const value = Number(text)
  if (/^-?\d+$/.test(text) && value >= MIN && value <= MAX) return value
  throw new AppError('invalid', `Invalid priority: ${text}`)
}

/** The name of a priority, or its number when it has none. */
export function priorityName(priority: number): string {
  return Object.entries(PRIORITIES).find(([, value]) => value === priority)?.[0] ?? String(priority)
}
