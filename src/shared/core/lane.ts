/**
 * Lanes: which tasks are alike to the claim. A lane is written `queue/need/label,label`, without what is at its
 * default; sql/0001_baseline.sql keeps it with each task, first in the index that the claim walks.
 */

export const DEFAULT_QUEUE = 'default'
const DEFAULT_NEED = 'simulate'

/** Names of queues, labels and handlers: no character that a lane is made of. */
export const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_.:=-]*$/

/** What a worker runs. */
export interface Capabilities {
  /** Executors by name; of `function`, each handler by itself: `function:send-email`. */
  executors: string[]
  labels: string[]
}

/** What a worker that says nothing of itself runs: one that knows only the documented calls. */
export const PLAIN: Capabilities = { executors: ['simulate'], labels: [] }

export interface Needs {
  queue: string
  executor: string
  command: string
  /** Labels that its worker must have, every one. */
  labels: string[]
}

/** What a worker must be able to run for a task: its executor, or its very handler. */
export function needOf({ executor, command }: Pick<Needs, 'executor' | 'command'>): string {
  return executor === 'function' ? `function:${command}` : executor
}

export function laneOf(needs: Needs): string {
  const { queue } = needs
  const need = needOf(needs)
  const labels = needs.labels.length === 0 ? '' : [...new Set(needs.labels)].sort().join(',')
  return `${queue === DEFAULT_QUEUE ? '' : queue}/${need === DEFAULT_NEED ? '' : need}/${labels}`
}

/** The parts of a lane; the inverse of `laneOf`, as far as it goes. */
export function readLane(lane: string): { queue: string; need: string; labels: string[] } {
  const [queue = '', need = '', labels = ''] = lane.split('/')
  return {
    queue: queue || DEFAULT_QUEUE,
    need: need || DEFAULT_NEED,
    labels: labels === '' ? [] : labels.split(','),
  }
}

/** Whether workers with these capabilities run what is in a lane. */
export function runsLane({ executors, labels }: Capabilities, lane: string): boolean {
  const { need, labels: needed } = readLane(lane)
  return executors.includes(need) && needed.every((label) => labels.includes(label))
}

/** Equal for those that run the same. */
export function capabilityKey({ executors, labels }: Capabilities): string {
  return `${[...executors].sort().join(',')}/${[...labels].sort().join(',')}`
}
