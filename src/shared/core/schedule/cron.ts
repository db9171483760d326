import { Cron } from 'croner'
import { AppError } from '../error.ts'
import { shorten } from '../text.ts'
import { findCronFault } from './cron-fault.ts'
import { fixedTimes } from './fixed-times.ts'
import { zoneOf } from './zone.ts'

const MAX_PATTERN = 200

/** The times that a pattern names, as instants, one after the other. */
export interface CronTimes {
  /** The first after that instant; null when there is none. */
  next(after: Date): Date | null
  /** Up to so many before that instant, the latest first. */
  previous(before: Date, count: number): Date[]
  /** Whether hours, minutes and seconds are all written out, so that the rules of `docs/schedules.md` for those apply. */
  readonly isFixedTime: boolean
}

/**
 * A pattern of five fields, six with seconds, or seven with years, in a zone of the IANA database. Where clocks are
 * set forward, times that are written out come at the end of the gap, and others in it do not come. Where clocks are
 * set back, times that are written out come once, the first time, and others both times.
 *
 * @throws `invalid` naming `cron` or `time_zone`
 */
export function parseCron(pattern: string, timeZone: string): CronTimes {
  checkZone(timeZone)
  const text = pattern.trim()
  if (text.length > MAX_PATTERN) throw wrong(`at most ${MAX_PATTERN} characters`)
  // A time as ISO 8601 is a pattern to croner too, but comes once.
  if (!text.startsWith('@') && ![5, 6, 7].includes(text.split(/\s+/).length)) {
    throw wrong('five fields, such as 0 9 * * MON-FRI, or six with seconds in front')
  }
  if (isFixedTime(text)) {
    const onWall = open(text, 'UTC')
    const times = fixedTimes(
      {
        next: (after) => onWall.nextRun(after),
        previous: (count, before) => onWall.previousRuns(count, before),
      },
      zoneOf(timeZone),
    )
    return { ...times, isFixedTime: true }
  }
  const cron = open(text, timeZone)
  return {
    next: (after) => cron.nextRun(after),
    previous: (before, count) => cron.previousRuns(count, before),
    isFixedTime: false,
  }
}

/** Zones that are known to be: to ask takes longer than all else about a pattern. There are some 600 names. */
const known = new Set<string>()
const MAX_KNOWN = 1000

/** @throws `invalid` naming `time_zone` */
export function checkZone(timeZone: string): void {
  if (known.has(timeZone)) return
  try {
    // An offset such as +02:00 is no zone: it knows no rules.
    if (!/^[A-Za-z]/.test(timeZone)) throw new RangeError('no name')
    new Intl.DateTimeFormat('en', { timeZone })
    if (known.size < MAX_KNOWN) known.add(timeZone)
  } catch {
    throw new AppError(
      'invalid',
      `time_zone must be a name such as Europe/Berlin or UTC, not "${shorten(timeZone, 100)}"`,
    )
  }
}

function open(pattern: string, timezone: string): Cron {
  try {
    return new Cron(pattern, { timezone, fixedTimeRule: 'no-wildcard', paused: true })
  } catch (error) {
    const said = findCronFault(pattern) ?? (error as Error).message.replace(/^(\w+: )+/, '')
    throw new AppError('invalid', `Invalid cron expression: ${said}.`, { cause: error })
  }
}

const wrong = (what: string) => new AppError('invalid', `cron must be ${what}`)

/** As croner tells them apart by its rule `no-wildcard`. */
function isFixedTime(pattern: string): boolean {
  if (pattern.startsWith('@')) return !/^@hourly$/i.test(pattern)
  const fields = pattern.split(/\s+/)
  return !/[*?/]/.test(fields.slice(0, fields.length === 5 ? 2 : 3).join(' '))
}
