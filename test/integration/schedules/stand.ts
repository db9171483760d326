import type { Schedule, ScheduleFields } from '../../../src/shared/core/schedule/schedule.ts'
import { timetable } from '../../../src/shared/core/schedule/timetable.ts'
import type { Sql } from '../../../src/shared/store/connect.ts'
import { insertSchedule, readClock } from '../../../src/shared/store/schedules.ts'
import { type ListedTick, listTicks } from '../../../src/shared/store/ticks.ts'

/** Each second, unless told otherwise, with a task of no length. */
export const fields = (more: Partial<ScheduleFields> = {}): ScheduleFields => ({
  name: `schedule ${crypto.randomUUID()}`,
  cron: '* * * * * *',
  timeZone: 'UTC',
  everyMs: null,
  anchorAt: null,
  startsAt: null,
  endsAt: null,
  task: { command: 'tick', payload: { duration_ms: 0 } },
  catchUp: 'last',
  catchUpWindowMs: 86_400_000,
  overlap: 'allow',
  ...more,
})

/** Stores a schedule whose first tick comes after `agoMs` ago. */
export async function insert(sql: Sql, more: Partial<ScheduleFields> = {}, agoMs = 0): Promise<Schedule> {
  const given = fields(more)
  const now = await readClock(sql)
  const nextAt = timetable(given).next(new Date(now.getTime() - agoMs))
  const stored = await insertSchedule(sql, crypto.randomUUID(), given, { nextAt, paused: false })
  if (!stored) throw new Error('there is one of that name')
  return stored
}

/** The whole ledger, the oldest tick first. */
export async function ledger(sql: Sql, { id }: Pick<Schedule, 'id'>): Promise<ListedTick[]> {
  return (await listTicks(sql, id, { before: null, limit: 100_000 })).toReversed()
}
