import type { ListedSchedule } from '../../shared/store/schedules.ts'
import type { ListedTick } from '../../shared/store/ticks.ts'
import type { ScheduleList, Schedules, TickList } from './schedules.ts'

const time = (at: Date | null) => at?.toISOString() ?? null
/** Digits below a microsecond say nothing. */
const ms = (value: number) => Math.round(value * 1000) / 1000

/** A schedule as callers see it; unset times are null. */
export function viewSchedule(schedule: ListedSchedule) {
  const { last } = schedule
  return {
    schedule_id: schedule.id,
    id: schedule.id,
    name: schedule.name,
    cron: schedule.cron,
    time_zone: schedule.timeZone,
    every_ms: schedule.everyMs,
    anchor_at: time(schedule.anchorAt),
    starts_at: time(schedule.startsAt),
    ends_at: time(schedule.endsAt),
    task: schedule.task,
    catch_up: schedule.catchUp,
    catch_up_window_ms: schedule.catchUpWindowMs,
    overlap: schedule.overlap,
    state: stateOf(schedule),
    paused_at: time(schedule.pausedAt),
    next_at: schedule.pausedAt ? null : time(schedule.nextAt),
    queued_ticks: schedule.queued,
    last_tick: last && {
      tick_at: new Date(last.tickAt).toISOString(),
      outcome: last.outcome,
      reason: last.reason,
      task_id: last.taskId,
      lag_ms: ms(last.lagMs),
    },
    version: schedule.version,
    created_at: schedule.createdAt.toISOString(),
    updated_at: schedule.updatedAt.toISOString(),
  }
}

function stateOf({ pausedAt, nextAt }: ListedSchedule): 'active' | 'paused' | 'ended' {
  if (pausedAt) return 'paused'
  return nextAt ? 'active' : 'ended'
}

export const viewSchedules = ({ schedules, total, nextCursor }: ScheduleList) => ({
  schedules: schedules.map(viewSchedule),
  total,
  next_cursor: nextCursor,
})

export const viewTick = (tick: ListedTick) => ({
  tick_at: tick.tickAt.toISOString(),
  outcome: tick.outcome,
  reason: tick.reason,
  task_id: tick.taskId,
  lag_ms: ms(tick.lagMs),
  at: tick.at.toISOString(),
})

export const viewTicks = ({ ticks, nextCursor }: TickList) => ({
  ticks: ticks.map(viewTick),
  next_cursor: nextCursor,
})

export const viewPreview = ({
  now,
  timeZone,
  ticks,
  changes,
}: Awaited<ReturnType<Schedules['preview']>>) => ({
  now: now.toISOString(),
  time_zone: timeZone,
  ticks: ticks.map(({ at, local, note }) => ({ at: at.toISOString(), local, note })),
  clock_changes: changes.map(({ at, note }) => ({ at: at.toISOString(), note })),
})

export type ScheduleView = ReturnType<typeof viewSchedule>
