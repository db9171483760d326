import type { NewTask } from '../../shared/core/task.ts'

/**
 * Whether a task may be handed to a coordinator instead of being inserted: it is due now, and there is nothing to it that others
 * have a say in (a key, a dependency, a workflow, a schedule). Of its queue the coordinator knows more.
 *
 * @param now by our own clock, which may be wrong: the database decides what is due
 */
export function isForExpress(task: NewTask, now: number): boolean {
  const isDue = task.delayMs === null ? task.scheduledAt.getTime() <= now : task.delayMs === 0
  return (
    isDue &&
    task.idempotencyKey === null &&
    task.concurrencyKey === null &&
    task.parents === 0 &&
    !task.hasDependents &&
    task.onParentFailure === 'fail' &&
    task.workflowId === null &&
    task.scheduleId === null
  )
}
