import { AppError } from '../../shared/core/error.ts'
import type { Schedule, ScheduleFields } from '../../shared/core/schedule/schedule.ts'
import type { Timing } from '../../shared/core/schedule/timetable.ts'
import type { Submission } from '../../shared/core/submission.ts'
import type { CreateScheduleInput, EditScheduleInput, PreviewInput } from './input.ts'

/** A day. */
const WINDOW_MS = 86_400_000

type TimingInput = Omit<PreviewInput, 'count'>

/**
 * When a schedule has ticks, by what its owner says; what is left out is as it was.
 *
 * @param now the first tick of an interval that says none is one interval from then
 * @throws `invalid` naming the field
 */
export function timingFrom(input: TimingInput, now: Date, before?: Timing): Timing {
  if (input.cron && input.every_ms) throw new AppError('invalid', 'give cron or every_ms, not both')
  const given = Boolean(input.cron || input.every_ms)
  const cron = given ? (input.cron ?? null) : kept(input.cron, before?.cron, null)
  const everyMs = given ? (input.every_ms ?? null) : kept(input.every_ms, before?.everyMs, null)
  if (cron === null && everyMs === null) throw new AppError('invalid', 'cron or every_ms is required')
  if (cron !== null && input.anchor_at)
    throw new AppError('invalid', 'anchor_at is for every_ms, not for cron')
  const startsAt = kept(input.starts_at, before?.startsAt, null)
  const endsAt = kept(input.ends_at, before?.endsAt, null)
  if (startsAt && endsAt && startsAt > endsAt)
    throw new AppError('invalid', 'ends_at must not be before starts_at')
  const anchorAt =
    everyMs === null ? null : (kept(input.anchor_at, before?.anchorAt, null) ?? startsAt ?? now)
  return {
    cron,
    everyMs,
    anchorAt,
    startsAt,
    endsAt,
    timeZone: kept(input.time_zone, before?.timeZone, 'UTC'),
  }
}

/** Everything that an owner says of a schedule; see `timingFrom`. */
export function fieldsFrom(
  input: CreateScheduleInput | EditScheduleInput,
  now: Date,
  before?: Schedule,
): ScheduleFields {
  const task = input.task ? withoutNulls(input.task) : before?.task
  const name = input.name ?? before?.name
  if (!task || !name) throw new AppError('invalid', task ? 'name is required' : 'task is required')
  return {
    ...timingFrom(input, now, before),
    name,
    task,
    catchUp: kept(input.catch_up, before?.catchUp, 'last'),
    catchUpWindowMs: kept(input.catch_up_window_ms, before?.catchUpWindowMs, WINDOW_MS),
    overlap: kept(input.overlap, before?.overlap, 'allow'),
  }
}

/** Whether two timings have other ticks. */
export const isSameTiming = (a: Timing, b: Timing): boolean =>
  a.cron === b.cron &&
  a.timeZone === b.timeZone &&
  a.everyMs === b.everyMs &&
  Number(a.anchorAt) === Number(b.anchorAt) &&
  Number(a.startsAt) === Number(b.startsAt) &&
  Number(a.endsAt) === Number(b.endsAt)

/** What was given; null is the default, and what was not given is as it was. */
function kept<T>(given: T | null | undefined, before: T | undefined, fallback: T): T {
  if (given === undefined) return before === undefined ? fallback : before
  return given === null ? fallback : given
}

const withoutNulls = (task: object) =>
  Object.fromEntries(
    Object.entries(task).filter(([, value]) => value !== null && value !== undefined),
  ) as unknown as Submission
