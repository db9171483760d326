const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const YEAR = 365.25 * DAY

/** ms in the two largest units that say something: `840 ms`, `2.4 s`, `3 min 05 s`, `1 h 12 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return '–'
  if (ms < 0) return formatDuration(0)
  if (ms < SECOND) return `${Math.round(ms)} ms`
  if (ms < 10 * SECOND) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ${pad(Math.floor((ms % MINUTE) / SECOND))} s`
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${pad(Math.floor((ms % HOUR) / MINUTE))} min`
  if (ms >= YEAR) return `${Math.floor(ms / YEAR)} y ${Math.floor((ms % YEAR) / DAY)} d`
  return `${Math.floor(ms / DAY)} d ${Math.floor((ms % DAY) / HOUR)} h`
}

const whole = new Intl.NumberFormat('en')

/** `12,345`. */
export const formatCount = (count: number): string => whole.format(count)

/** A rate per second: `0`, `3.2`, `128`. */
export const formatRate = (rate: number): string =>
  rate === 0 ? '0' : rate < 10 ? rate.toFixed(1) : whole.format(Math.round(rate))

/** What is not known is a dash, never 0. */
export const formatKnown = (value: number | null, format: (value: number) => string): string =>
  value === null ? '–' : format(value)

/** The part of a UUID that tells tasks apart at a glance: its beginning is the time, alike in those made together. */
export const shortId = (id: string): string => id.slice(-8)

/** Local time of day with ms: `14:03:22.118`. */
export function formatTime(at: Date): string {
  return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}.${pad(at.getMilliseconds(), 3)}`
}

/** Local date and time: `2026-11-21 14:03:22`. */
export function formatInstant(at: Date): string {
  const date = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`
  return `${date} ${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`
}

/** The same in UTC: `2026-11-21 13:03:22 UTC`. */
export const formatUtc = (at: Date): string => `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`

/** What an `<input type="datetime-local">` takes, to the second. */
export const toLocalInput = (at: Date): string => formatInstant(at).replace(' ', 'T')

/** The names of priorities by their numbers. */
export const PRIORITIES = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const

/** `HIGH`, or the number of one without a name. */
export const priorityName = (priority: number): string => PRIORITIES[priority] ?? String(priority)

/** `1 task`, `12 tasks`. */
export const plural = (count: number, noun: string): string =>
  `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`

function pad(value: number, digits = 2): string {
  return String(value).padStart(digits, '0')
}
