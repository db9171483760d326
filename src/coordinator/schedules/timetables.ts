import type { Schedule } from '../../shared/core/schedule/schedule.ts'
import { type Timetable, timetable } from '../../shared/core/schedule/timetable.ts'

const MAX_KEPT = 20_000

/** The timetables of schedules, kept while the schedules stay as they are: to read a pattern takes longer than to use it. */
export function createTimetables(): (schedule: Schedule) => Timetable {
  const kept = new Map<string, { version: number; table: Timetable }>()
  return (schedule) => {
    const known = kept.get(schedule.id)
    if (known?.version === schedule.version) return known.table
    const table = timetable(schedule)
    kept.delete(schedule.id)
    kept.set(schedule.id, { version: schedule.version, table })
    const [oldest] = kept.keys()
    if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest)
    return table
  }
}
