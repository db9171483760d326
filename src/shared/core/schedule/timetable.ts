import { AppError } from '../error.ts'
import { type CronTimes, parseCron } from './cron.ts'

/** When a schedule has ticks. */
export interface Timing {
  /** A pattern (see `parseCron`); null: an interval. */
  cron: string | null
  timeZone: string
  /** ms between two ticks; null: a pattern. */
  everyMs: number | null
  /** The first tick of an interval; the others follow it. */
  anchorAt: Date | null
  /** No tick comes before, and none after. */
  startsAt: Date | null
  endsAt: Date | null
}

export interface Timetable {
  /** The first tick after that instant; null when there is none. */
  next(after: Date): Date | null
  /** The ticks after `after` and up to `until`, in order, at most so many. */
  between(after: Date, until: Date, limit: number): Date[]
  /** The tick from which on there are `count` of them before that instant; null when there are fewer. */
  back(before: Date, count: number): Date | null
}

/**
 * The ticks of a timing. It knows no clock: whoever asks says what time it is.
 *
 * @throws `invalid` naming the field
 */
export function timetable({ startsAt, endsAt, ...timing }: Timing): Timetable {
  const times = timing.cron === null ? interval(timing) : parseCron(timing.cron, timing.timeZone)
  // Before the start one asks from just before it, so that a tick on the start itself counts.
  const from = (after: Date) => (startsAt && after < startsAt ? new Date(startsAt.getTime() - 1) : after)

  function next(after: Date): Date | null {
    const tick = times.next(from(after))
    return tick && endsAt && tick > endsAt ? null : tick
  }

  return {
    next,
    between(after, until, limit) {
      const ticks: Date[] = []
      for (let tick = next(after); tick && tick <= until && ticks.length < limit; tick = next(tick))
        ticks.push(tick)
      return ticks
    },
    back(before, count) {
      const found = times.previous(before, count)
      const tick = found.length < count ? undefined : found.at(-1)
      return tick && (!startsAt || tick >= startsAt) ? tick : null
    },
  }
}

function interval({
  everyMs,
  anchorAt,
}: Pick<Timing, 'everyMs' | 'anchorAt'>): Pick<CronTimes, 'next' | 'previous'> {
  if (everyMs === null || anchorAt === null) throw new AppError('invalid', 'give cron or every_ms')
  const anchor = anchorAt.getTime()
  const at = (step: number) => new Date(anchor + step * everyMs)
  return {
    next: (after) => at(Math.max(0, Math.floor((after.getTime() - anchor) / everyMs) + 1)),
    previous(before, count) {
      const latest = Math.ceil((before.getTime() - anchor) / everyMs) - 1
      return Array.from({ length: Math.max(0, Math.min(count, latest + 1)) }, (_, n) => at(latest - n))
    },
  }
}
