import type { TaskRow } from '../../shared/store/evidence.ts'
import { attemptKey, type Index } from './indexed.ts'

const BLAME = /^depends on (\S+), which (failed|was cancelled)$/

/** Whether a task ended because of one that it depends on: without a worker, and it says so. */
export const blamesParent = ({ pickedAt, error }: Pick<TaskRow, 'pickedAt' | 'error'>): boolean =>
  pickedAt === null && BLAME.test(error ?? '')

/** Holds what the table says of dependencies against what was asked for. */
export function* judgeAsked({ evidence, lives }: Index): Generator<string | null> {
  const parents = parentsByTask(evidence)
  for (const { key, acknowledged, dependsOn } of evidence.submissions) {
    const [id] = acknowledged
    if (!id || dependsOn.length === 0 || lives.gone.has(id)) continue
    const found = (parents.get(id) ?? []).sort().join(', ')
    const asked = dependsOn.toSorted().join(', ')
    yield found === asked
      ? null
      : `task ${id} (key ${key}) was to depend on ${asked}, and does on ${found || 'none'}`
  }
}

/** Holds each dependency against what executors wrote down themselves, outside of the system. */
export function* judgeEdges({ evidence, tasks, history, lives }: Index): Generator<string | null> {
  const starts = new Map<string, number>()
  for (const { taskId, event, at } of evidence.history) {
    if (event === 'start') starts.set(taskId, Math.min(at, starts.get(taskId) ?? at))
  }
  const parents = parentsByTask(evidence)
  for (const { taskId, dependsOn } of evidence.edges) {
    const [child, parent] = [tasks.get(taskId), tasks.get(dependsOn)]
    if (!child || !parent) {
      yield `task ${taskId} depends on ${dependsOn}, and one of them is not there`
      continue
    }
    // Who retries a dependent has it run all the same; and what went on after a failure did so before the retry of that.
    if (lives.retried.has(taskId) || (lives.touched.has(dependsOn) && child.onParentFailure === 'continue'))
      continue
    const startedAt = starts.get(taskId)
    if (startedAt === undefined) yield judgeIdle(child, parent, parents.get(taskId) ?? [])
    else {
      const end = history
        .get(attemptKey(dependsOn, parent.attempt))
        ?.find(({ event }) => event === 'completed')
      // What may go on after a failure waits for the end of it, which only the table knows.
      const mayGoOn = child.onParentFailure === 'continue'
      const failedAt = mayGoOn ? (parent.failedAt ?? parent.cancelledAt) : null
      const endedAt = parent.state === 'completed' ? end?.at : failedAt
      yield judgeStart(child, parent, startedAt, endedAt, evidence.clockErrorMs)
    }
  }
}

function judgeStart(
  child: TaskRow,
  parent: TaskRow,
  startedAt: number,
  endedAt: number | null | undefined,
  errorMs: number,
): string | null {
  const what = `task ${child.id} (${child.onParentFailure}) started, and ${parent.id}, which it depends on, is ${parent.state}`
  if (endedAt === null || endedAt === undefined) return what
  const early = endedAt - startedAt
  return early <= errorMs ? null : `${what} only ${early.toFixed(3)} ms later`
}

/** One that never ran: it was cancelled, or one of those that it depends on did not complete and it was not to go on. */
function judgeIdle(child: TaskRow, parent: TaskRow, parents: string[]): string | null {
  const [, blamed] = (blamesParent(child) && BLAME.exec(child.error ?? '')) || []
  if (blamed && !parents.includes(blamed))
    return `task ${child.id} blames ${blamed}, which it does not depend on`
  if (parent.state === 'completed' || child.onParentFailure === 'continue') return null
  const expected = child.onParentFailure === 'skip' ? 'cancelled' : 'failed'
  // Somebody may have cancelled it before.
  return child.state === expected || child.state === 'cancelled'
    ? null
    : `task ${child.id} depends on ${parent.id}, which is ${parent.state}, and is itself ${child.state}`
}

const parentsByTask = ({ edges }: Index['evidence']): Map<string, string[]> => {
  const found = new Map<string, string[]>()
  for (const { taskId, dependsOn } of edges) found.set(taskId, [...(found.get(taskId) ?? []), dependsOn])
  return found
}
