import { PRIORITY_RANGE_HELP, readPriorityRange } from '../../src/shared/core/priority.ts'

export const FILTER_STATES = [
  'pending',
  'assigned',
  'running',
  'completed',
  'failed',
  'cancelled',
  'retrying',
] as const
export type FilterState = (typeof FILTER_STATES)[number]

/** What a search asks for; every part narrows. */
export interface Filter {
  state?: FilterState
  worker?: string
  /** As it was written: `high`, `>=2`. */
  priority?: string
  text?: string
}

export interface Reading {
  filter: Filter
  /** What could not be understood, as a person is told; then the filter stands for no tasks at all. */
  fault: string | null
}

const KEYS = ['state', 'worker', 'priority'] as const
type Key = (typeof KEYS)[number]

/** `key:value` with or without quotes, a text in quotes, or a word; a URL is a word. */
const PARTS = /([a-z][\w-]*):(?!\/\/)(?:"([^"]*)"?|(\S*))|"([^"]*)"?|(\S+)/gi
const CONDITION = /(^|\s)[a-z][\w-]*:(?!\/\/)/i

/**
 * Reads `state:failed worker:w3 priority:>=high some words`. Quotes keep words together; what is no condition is text
 * that the name, the command or an end of the id contains.
 */
export function parseFilter(query: string): Reading {
  const filter: Filter = {}
  const words: string[] = []
  const faults: string[] = []
  for (const [, name, quotedValue, plain, quoted, word] of query.matchAll(PARTS)) {
    if (name === undefined) {
      words.push(quoted ?? word ?? '')
      continue
    }
    const key = KEYS.find((one) => one === name.toLowerCase())
    const value = quotedValue ?? plain ?? ''
    const fault = key ? findFault(key, value, filter) : unknownKey(name)
    if (fault) faults.push(fault)
    else if (key === 'state') filter.state = value.toLowerCase() as FilterState
    else if (key) filter[key] = value
  }
  const text = words.filter(Boolean).join(' ')
  if (text) filter.text = text
  return { filter, fault: faults[0] ?? null }
}

function findFault(key: Key, value: string, filter: Filter): string | null {
  if (!value) return `“${key}:” needs a value.`
  if (filter[key] !== undefined) return `“${key}:” is given twice.`
  if (key === 'state' && !isState(value.toLowerCase())) {
    return `There is no state “${value}”. Try ${FILTER_STATES.join(', ')}.`
  }
  if (key === 'priority' && !readPriorityRange(value)) {
    return `There is no priority “${value}”. Try ${PRIORITY_RANGE_HELP}.`
  }
  return null
}

const unknownKey = (name: string) =>
  `There is no condition “${name}:”. Try ${KEYS.map((key) => `${key}:`).join(', ')}, or put the text in quotes.`

/** The query that reads as this filter. */
export function writeFilter({ state, worker, priority, text }: Filter): string {
  const quote = (value: string) => (/\s/.test(value) ? `"${value}"` : value)
  const parts = [
    state && `state:${state}`,
    worker && `worker:${quote(worker)}`,
    priority && `priority:${quote(priority)}`,
    text && (CONDITION.test(text) ? `"${text}"` : text),
  ]
  return parts.filter(Boolean).join(' ')
}

/** The filter as the scheduler takes it. */
export const toConditions = ({ state, worker, priority, text }: Filter) => ({
  ...(state && { state }),
  ...(worker && { worker }),
  ...(priority && { priority }),
  ...(text && { q: text }),
})

function isState(value: string): value is FilterState {
  return (FILTER_STATES as readonly string[]).includes(value)
}

export const isEmptyFilter = (filter: Filter): boolean => Object.keys(toConditions(filter)).length === 0
