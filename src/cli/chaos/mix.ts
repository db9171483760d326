import { type Json, PARENT_FAILURES, type ParentFailure } from '../../shared/core/task.ts'
import type { Random } from './random.ts'

/** A task to submit, in the words of the REST interface. */
export interface Submission {
  /** What kind of trouble it is. */
  name: string
  payload: { [key: string]: Json }
  priority: number
  max_retries?: number
  retry_backoff_ms?: number
  retry_backoff_cap_ms?: number
  timeout_ms?: number
  cancel_grace_ms?: number
  on_parent_failure?: ParentFailure
}

export interface Drawn {
  submission: Submission
  /** ms from now that it is scheduled for; null: as soon as may be. */
  aheadMs: number | null
  /** What somebody does to it, so many ms after its submission; null: nobody does anything. */
  action: { kind: ActionKind; afterMs: number } | null
  /** How many of the tasks before it it depends on. */
  parents: number
}

/** What people do to tasks. `discard-many`: with others, by one request. */
export type ActionKind = 'cancel' | 'retry' | 'run-now' | 'discard' | 'discard-many'

const KINDS = [
  ...['short', 'short', 'short', 'short', 'long', 'ahead', 'ahead'],
  ...['failing', 'failing', 'timeout', 'runaway', 'cancelled', 'cancelled', 'talking', 'talking'],
  ...['retried', 'hurried', 'discarded', 'discarded'],
] as const
/** Such a task takes five workers down, each with all that runs there: one is enough. */
export const CRASHING: Drawn = {
  submission: { name: 'crashing', payload: { duration_ms: 20, crash: true }, priority: 1 },
  aheadMs: null,
  action: null,
  parents: 0,
}

/** Share of tasks that depend on others. */
const DEPENDENT_SHARE = 0.3

/** A task of some kind, which may depend on others. */
export function drawTask(random: Random): Drawn {
  const drawn = drawAlone(random)
  if (!random.chance(DEPENDENT_SHARE)) return drawn
  const on_parent_failure = random.pick(PARENT_FAILURES)
  return { ...drawn, submission: { ...drawn.submission, on_parent_failure }, parents: random.integer(1, 3) }
}

/** A workflow of a few short tasks, each of which may depend on those before it. */
export function drawWorkflow(
  random: Random,
): (Submission & { key: string; command: string; depends_on: string[] })[] {
  return Array.from({ length: random.integer(2, 6) }, (_, index) => ({
    ...{ key: `k${index}`, command: 'chaos', name: 'workflow', priority: random.integer(0, 3) },
    payload: { duration_ms: random.integer(0, 100), failure_rate: random.pick([0, 0, 0.5]), lines: 1 },
    on_parent_failure: random.pick(PARENT_FAILURES),
    depends_on: Array.from({ length: index }, (_, before) => `k${before}`).filter(() => random.chance(0.5)),
  }))
}

function drawAlone(random: Random): Drawn {
  const name = random.pick(KINDS)
  const task = (durationMs: number, rest: Partial<Submission> = {}): Drawn => ({
    submission: { name, payload: { duration_ms: durationMs }, priority: random.integer(0, 3), ...rest },
    aheadMs: null,
    action: null,
    parents: 0,
  })
  const backoff = { retry_backoff_ms: random.integer(1, 300), retry_backoff_cap_ms: 1000 }
  switch (name) {
    case 'short':
      return task(random.pick([0, 1, 10, 50, 200]))
    case 'long':
      return task(random.integer(1000, 5000))
    case 'ahead':
      return { ...task(random.integer(0, 100)), aheadMs: random.integer(100, 6000) }
    case 'failing': {
      const failure_rate = random.pick([0.3, 0.7, 1])
      const payload = { duration_ms: random.integer(0, 200), failure_rate }
      return task(0, { payload, max_retries: random.integer(0, 4), ...backoff })
    }
    case 'timeout':
      return task(random.pick([100, 2000]), {
        timeout_ms: random.integer(50, 500),
        max_retries: random.integer(0, 1),
        ...backoff,
      })
    case 'runaway':
      // Keeps a core busy until its thread is ended.
      return task(0, {
        payload: { duration_ms: random.integer(100, 600), busy: true },
        timeout_ms: random.integer(50, 200),
        cancel_grace_ms: random.integer(0, 100),
      })
    case 'cancelled':
      return {
        ...task(random.integer(0, 3000)),
        action: { kind: 'cancel', afterMs: random.integer(0, 2000) },
      }
    case 'talking':
      return task(0, { payload: { duration_ms: random.integer(0, 2500), lines: random.integer(1, 50) } })
    case 'retried': {
      const payload = { duration_ms: random.integer(0, 200), failure_rate: random.pick([0.7, 1]), lines: 2 }
      const failing = task(0, { payload, max_retries: random.integer(0, 1), ...backoff })
      return { ...failing, action: { kind: 'retry', afterMs: random.integer(200, 3000) } }
    }
    case 'hurried': {
      const action = { kind: 'run-now', afterMs: random.integer(0, 2000) } as const
      return { ...task(random.integer(0, 100)), aheadMs: random.integer(3000, 30_000), action }
    }
    case 'discarded': {
      const kind = random.pick(['discard', 'discard-many'] as const)
      const action = { kind, afterMs: random.integer(200, 2000) }
      return { ...task(random.integer(0, 200)), action }
    }
  }
}
