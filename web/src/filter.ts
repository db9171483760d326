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
  text?: string
}

export interface Reading {
  filter: Filter
  /** What could not be understood, as a person is told. */
  fault: string | null
}

/**
 * Reads `state:failed worker:w3 some words`. Quotes keep words together; what is no condition is text that the name,
 * the command or an end of the id contains.
 */
export function parseFilter(query: string): Reading {
  const filter: Filter = {}
  const words: string[] = []
  let fault: string | null = null
  for (const [, key, quotedValue, value, quoted, word] of query.matchAll(
    /(?:(state|worker):(?:"([^"]*)"?|(\S*)))|"([^"]*)"?|(\S+)/gi,
  )) {
    const given = quotedValue ?? value ?? ''
    if (key === undefined) words.push(quoted ?? word ?? '')
    else if (key.toLowerCase() === 'worker') {
      if (given) filter.worker = given
    } else if (isState(given.toLowerCase())) filter.state = given.toLowerCase() as FilterState
    else if (given) fault = `There is no state “${given}”. Try ${FILTER_STATES.join(', ')}.`
  }
  const text = words.filter(Boolean).join(' ')
  if (text) filter.text = text
  return { filter, fault }
}

/** The query that reads as this filter. */
export function writeFilter({ state, worker, text }: Filter): string {
  const quote = (value: string) => (/\s/.test(value) ? `"${value}"` : value)
  return [state && `state:${state}`, worker && `worker:${quote(worker)}`, text].filter(Boolean).join(' ')
}

function isState(value: string): value is FilterState {
  return (FILTER_STATES as readonly string[]).includes(value)
}

export const isEmptyFilter = (filter: Filter): boolean => !filter.state && !filter.worker && !filter.text
