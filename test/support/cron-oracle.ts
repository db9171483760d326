/**
 * The ticks of a cron pattern as a person with a calendar and a clock on the wall would find them: minute by minute,
 * with nothing of ours and nothing of the library that ours reckons with. Only plain fields, lists, ranges and steps.
 */

interface Fields {
  seconds: Set<number>
  minutes: Set<number>
  hours: Set<number>
  days: Set<number>
  months: Set<number>
  weekdays: Set<number>
  anyDay: boolean
  anyWeekday: boolean
  /** Hours, minutes and seconds are written out. */
  isFixed: boolean
}

const MINUTE = 60_000

/** Reads six fields, seconds first. */
export function readFields(pattern: string): Fields {
  const [seconds, minutes, hours, days, months, weekdays] = pattern.split(' ') as [
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  return {
    seconds: expand(seconds, 0, 59),
    minutes: expand(minutes, 0, 59),
    hours: expand(hours, 0, 23),
    days: expand(days, 1, 31),
    months: expand(months, 1, 12),
    weekdays: expand(weekdays, 0, 6),
    anyDay: days === '*',
    anyWeekday: weekdays === '*',
    isFixed: ![seconds, minutes, hours].some((field) => /[*/]/.test(field)),
  }
}

function expand(field: string, min: number, max: number): Set<number> {
  const values = new Set<number>()
  for (const part of field.split(',')) {
    const [range = '', step = '1'] = part.split('/')
    const [low, high] = range === '*' ? [min, max] : range.split('-').map(Number)
    for (let value = low as number; value <= (high ?? (low as number)); value += Number(step))
      values.add(value)
  }
  return values
}

/** What the clock on the wall shows, as if it were UTC: ms. */
function wallClock(zone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  return (at) => {
    const [, y, mo, d, h, mi, s] = /(\d+)-(\d+)-(\d+), (\d+):(\d+):(\d+)/
      .exec(format.format(at))!
      .map(Number) as number[]
    return Date.UTC(y!, mo! - 1, d, h, mi, s)
  }
}

function matches(fields: Fields, wall: number): boolean {
  const at = new Date(wall)
  const isDay = fields.days.has(at.getUTCDate())
  const isWeekday = fields.weekdays.has(at.getUTCDay())
  const isDate = fields.anyDay ? isWeekday : fields.anyWeekday ? isDay : isDay || isWeekday
  return (
    isDate &&
    fields.months.has(at.getUTCMonth() + 1) &&
    fields.hours.has(at.getUTCHours()) &&
    fields.minutes.has(at.getUTCMinutes())
  )
}

/**
 * Every tick from `from` until before `to`, both at whole minutes, by looking at each minute in between. Where the wall
 * clock jumps forward, a fixed time that it jumps over comes at the landing. Where it falls back, a fixed time that
 * it shows again comes no second time.
 */
export function ticksByHand(pattern: string, zone: string, from: number, to: number): number[] {
  const fields = readFields(pattern)
  const wallAt = wallClock(zone)
  const found = new Set<number>()
  // A day earlier, so that it knows what the clock has shown already.
  let highest = wallAt(from - 1440 * MINUTE)
  let before = highest - MINUTE
  for (let at = from - 1440 * MINUTE; at < to; at += MINUTE) {
    const wall = wallAt(at)
    if (fields.isFixed)
      for (let missed = before + MINUTE; missed < wall; missed += MINUTE)
        if (matches(fields, missed)) found.add(at)
    const isRepeated = wall < highest
    if (matches(fields, wall) && !(fields.isFixed && isRepeated))
      for (const second of fields.seconds) found.add(at + second * 1000)
    before = wall
    highest = Math.max(highest, wall + MINUTE)
  }
  return [...found].filter((tick) => tick >= from && tick < to).sort((a, b) => a - b)
}

/** The minutes at which the wall clock of a zone jumps, found hour by hour. */
export function jumpsByHand(zone: string, from: number, to: number): number[] {
  const wallAt = wallClock(zone)
  const jumps: number[] = []
  const HOUR = 60 * MINUTE
  let offset = wallAt(from) - from
  for (let at = from; at < to; at += 6 * HOUR) {
    const next = wallAt(at + 6 * HOUR) - (at + 6 * HOUR)
    if (next !== offset) {
      for (let minute = at; minute <= at + 6 * HOUR; minute += MINUTE)
        if (wallAt(minute) - minute !== offset) {
          jumps.push(minute)
          break
        }
    }
    offset = next
  }
  return jumps
}
