import { AppError } from '../../shared/core/error.ts'
import type { Api } from '../api.ts'
import { formatSeconds } from '../duration.ts'
import { renderPairs } from '../table.ts'
import { formatTime } from '../times.ts'

/** What the scheduler answers, as far as it is shown here. */
export interface ScheduleView {
  schedule_id: string
  name: string
  cron: string | null
  time_zone: string
  every_ms: number | null
  anchor_at: string | null
  starts_at: string | null
  ends_at: string | null
  task: { command: string }
  catch_up: string
  catch_up_window_ms: number
  overlap: string
  state: string
  next_at: string | null
  queued_ticks: number
  last_tick: TickView | null
  version: number
}

export interface TickView {
  tick_at: string
  outcome: string
  reason: string | null
  task_id: string | null
  lag_ms: number
}

export interface PreviewView {
  time_zone: string
  ticks: { at: string; local: string; note: string | null }[]
  clock_changes: { at: string; note: string }[]
}

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Where the schedule of that id or name is.
 *
 * @throws `not_found`
 */
export async function pathOf(api: Api, idOrName: string): Promise<string> {
  if (ID.test(idOrName)) return `/api/schedules/${idOrName}`
  const [named] = await api.get<ScheduleView[]>('/api/schedules', { name: idOrName })
  if (!named) throw new AppError('not_found', `There is no schedule called ${idOrName}`)
  return `/api/schedules/${named.schedule_id}`
}

/** `30 2 * * * Europe/Berlin`, or `every 5.0 min`. */
export const timingOf = ({ cron, time_zone, every_ms }: ScheduleView): string =>
  cron === null ? `every ${formatSeconds((every_ms ?? 0) / 1000)}` : `${cron} ${time_zone}`

export function describeSchedule(schedule: ScheduleView): string {
  const { last_tick: last } = schedule
  return renderPairs([
    ['Schedule ID', schedule.schedule_id],
    ['Name', schedule.name],
    ['Status', schedule.state],
    ['When', timingOf(schedule)],
    ['Next', formatTime(schedule.next_at)],
    ['Starts', formatTime(schedule.starts_at)],
    ['Ends', formatTime(schedule.ends_at)],
    ['Command', schedule.task.command],
    ['Catch up', schedule.catch_up],
    ['Overlap', schedule.overlap],
    ['Queued', schedule.queued_ticks > 0 ? schedule.queued_ticks : ''],
    [
      'Last tick',
      last ? `${formatTime(last.tick_at)} ${last.outcome}${last.reason ? `: ${last.reason}` : ''}` : '',
    ],
    ['Version', schedule.version],
  ])
}
