import { PRIORITIES, type PriorityName } from './task.ts'

export const LEAST_PRIORITY = -32_768
export const GREATEST_PRIORITY = 32_767

/** Priorities from one to another, both included. */
export interface PriorityRange {
  min: number
  max: number
}

export const PRIORITY_RANGE_HELP = `${Object.keys(PRIORITIES).join(', ')} or a whole number from ${LEAST_PRIORITY} to ${GREATEST_PRIORITY}, after >=, <=, > or < if you like`

/** Reads `HIGH`, `2`, `>=high` or `<0`; null when it is none of these. Names may be in any case. */
export function readPriorityRange(text: string): PriorityRange | null {
  const [, sign = '', word = ''] = /^(>=|<=|>|<|=)?\s*([a-z]+|-?\d{1,5})$/i.exec(text.trim()) ?? []
  const name = word.toUpperCase()
  const value = Object.hasOwn(PRIORITIES, name) ? PRIORITIES[name as PriorityName] : Number(word || 'none')
  if (!Number.isInteger(value) || value < LEAST_PRIORITY || value > GREATEST_PRIORITY) return null
  const step = sign === '>' ? 1 : sign === '<' ? -1 : 0
  return {
    min: sign.startsWith('<') ? LEAST_PRIORITY : value + step,
    max: sign.startsWith('>') ? GREATEST_PRIORITY : value + step,
  }
}
