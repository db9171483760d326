import { taskFields } from '../submission.ts'
import { type NewTask, newTask } from '../task.ts'
import type { Schedule } from './schedule.ts'

/**
 * The task of one tick, due at the tick; or now, beside the ticks.
 *
 * @param id of the task, of its own
 */
export function taskOfTick(
  { id: scheduleId, name, task }: Pick<Schedule, 'id' | 'name' | 'task'>,
  id: string,
  tickAt: Date | 'now',
): NewTask {
  const fields = taskFields(task)
  const ours = { id, scheduleId, name: fields.name || name }
  if (tickAt !== 'now') return newTask({ ...fields, ...ours, scheduledAt: tickAt, tickAt })
  return newTask({ ...fields, ...ours, scheduledAt: new Date(0), delayMs: 0 })
}

/** Characters that the task of a tick takes, about. */
export const sizeOfTask = ({ task }: Pick<Schedule, 'task'>): number => 1000 + JSON.stringify(task).length
