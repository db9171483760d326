import { decideDue, MAX_DECIDED } from '../../shared/core/schedule/due.ts'
import { sizeOfTask, taskOfTick } from '../../shared/core/schedule/task.ts'
import type { Timetable } from '../../shared/core/schedule/timetable.ts'
import type { DueSchedule, Firing } from '../../shared/store/ticks.ts'

/** Characters of tasks that one schedule puts into one statement, about. */
const MAX_CHARACTERS = 4_000_000

/**
 * What is to be done about a schedule that is due.
 *
 * @param newId makes an id for a task
 */
export function firingOf(schedule: DueSchedule, table: Timetable, newId: () => string): Firing {
  const limit = Math.max(1, Math.min(MAX_DECIDED, Math.floor(MAX_CHARACTERS / sizeOfTask(schedule))))
  const { decisions, nextAt, queued } = decideDue(schedule, table, schedule.now, limit)
  const tasks = decisions
    .filter(({ outcome }) => outcome === 'fired' || outcome === 'caught_up')
    .map(({ tickAt }) => taskOfTick(schedule, newId(), tickAt))
  return { schedule, decisions, nextAt, queued, tasks }
}
