import type { Span } from '../../../web/src/api.ts'

/** A span of which only what matters is said. */
export function span(given: Partial<Span>): Span {
  return {
    taskId: 'task',
    attempt: 1,
    workerId: 1,
    slot: null,
    command: null,
    pickedAt: null,
    startedAt: null,
    endedAt: null,
    outcome: null,
    ...given,
  }
}
