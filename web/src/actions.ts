import { api, type Inputs, type TaskState } from './api.ts'
import { type Filter, type FilterState, isEmptyFilter, toConditions } from './filter.ts'

export type Action = 'cancel' | 'retry' | 'runNow' | 'discard'

interface Deed {
  /** On its button. */
  name: string
  /** After a count. */
  done: string
  /** The states in which it does something. */
  states: readonly FilterState[]
  /** Whether it destroys something, so that one is asked before. */
  destroys: boolean
}

export const DEEDS: Record<Action, Deed> = {
  cancel: {
    name: 'Cancel',
    done: 'cancelled',
    states: ['pending', 'assigned', 'running', 'retrying'],
    destroys: true,
  },
  retry: { name: 'Retry', done: 'set to run again', states: ['failed', 'cancelled'], destroys: false },
  runNow: { name: 'Run now', done: 'set to run now', states: ['pending', 'retrying'], destroys: false },
  discard: {
    name: 'Discard',
    done: 'discarded',
    states: ['completed', 'failed', 'cancelled'],
    destroys: true,
  },
}
export const ACTIONS = Object.keys(DEEDS) as Action[]

export const applies = (action: Action, state: FilterState): boolean => DEEDS[action].states.includes(state)

/** Does it to one task. */
export function doToOne(action: Action, id: string) {
  return api.tasks[action].mutate({ task_id: id })
}

export type Target = { ids: string[] } | { filter: Filter }

/**
 * Does it to many in one request that carries their ids or the filter; only when there are more than the server does
 * within its time does it take another.
 *
 * @param bound of a preview: it is done to no other tasks
 * @returns to how many it was done
 */
export async function doToMany(action: Action, target: Target, bound?: string): Promise<number> {
  const conditions = { ...targetOf(target), ...(bound && { bound }) }
  let count = 0
  let cursor: string | null = null
  do {
    const input: Inputs['tasks']['cancelMany'] = cursor === null ? conditions : { ...conditions, cursor }
    const done: { count: number; next_cursor: string | null } = await api.tasks[`${action}Many`].mutate(input)
    count += done.count
    cursor = done.next_cursor
  } while (cursor !== null)
  return count
}

/** Counts those to which it would be done. */
export function previewMany(action: Action, target: Target) {
  return api.tasks[`${action}Preview`].mutate(targetOf(target))
}

function targetOf(target: Target) {
  if ('ids' in target) return { ids: target.ids }
  return isEmptyFilter(target.filter) ? { all: true as const } : toConditions(target.filter)
}

/** The states that a task cannot leave by itself. */
export const isEnded = (state: TaskState | FilterState): boolean =>
  state === 'completed' || state === 'failed' || state === 'cancelled'
