const DAY_MS = 86_400_000
const SECOND_MS = 1000
const WALL = /^(\d+)\/(\d+)\/(\d+), (\d+):(\d+):(\d+)$/

/** A moment at which the clocks of a zone are set: forward, and times are missing, or back, and times come twice. */
export interface ClockChange {
  at: Date
  /** ms that local time is ahead of UTC. */
  beforeMs: number
  afterMs: number
}

export interface Zone {
  /** ms that local time is ahead of UTC at that instant. */
  offsetMs(at: Date): number
  /** Local date and time with its distance from UTC: `2027-03-28 03:00:00 +02:00`. */
  format(at: Date): string
  /** The changes after `from` and up to `until`, in order. */
  changes(from: Date, until: Date): ClockChange[]
}

/** Made once each: to make one takes longer than what it is asked. There are some 600. */
const zones = new Map<string, Zone>()
const MAX_ZONES = 1000

/** A zone of the IANA database. */
export function zoneOf(timeZone: string): Zone {
  const zone = zones.get(timeZone) ?? createZone(timeZone)
  if (zones.size < MAX_ZONES) zones.set(timeZone, zone)
  return zone
}

function createZone(timeZone: string): Zone {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })

  function offsetMs(at: Date): number {
    // Forty times as quick as the parts of it: `3/28/2027, 03:00:00`.
    const [, month, day, year, hour, minute, second] = WALL.exec(format.format(at)) ?? []
    const wall = Date.UTC(
      Number(year),
      Number(month) - 1,
      ...([day, hour, minute, second].map(Number) as [number, number, number, number]),
    )
    return wall - Math.floor(at.getTime() / SECOND_MS) * SECOND_MS
  }

  /** The instant, to the second, from which on the offset is no longer that of `low`. */
  function bisect(low: number, high: number): Date {
    const before = offsetMs(new Date(low))
    while (high - low > SECOND_MS) {
      const middle = low + Math.floor((high - low) / 2 / SECOND_MS) * SECOND_MS
      if (offsetMs(new Date(middle)) === before) low = middle
      else high = middle
    }
    return new Date(high)
  }

  return {
    offsetMs,
    format(at) {
      const offset = offsetMs(at)
      const minutes = Math.abs(Math.round(offset / 60_000))
      return `${wallTime(at.getTime() + offset)} ${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
    },
    changes(from, until) {
      const found: ClockChange[] = []
      const begin = Math.floor(from.getTime() / SECOND_MS) * SECOND_MS
      let [low, beforeMs] = [begin, offsetMs(new Date(begin))]
      while (low < until.getTime()) {
        const high = Math.min(low + DAY_MS, Math.ceil(until.getTime() / SECOND_MS) * SECOND_MS)
        const afterMs = offsetMs(new Date(high))
        if (afterMs !== beforeMs) found.push({ at: bisect(low, high), beforeMs, afterMs })
        low = high
        beforeMs = afterMs
      }
      return found
    },
  }
}

const two = (value: number) => String(value).padStart(2, '0')

/** `2027-03-28 03:00:00` of ms since 1970 as clocks on the wall count them. */
export const wallTime = (wallMs: number): string =>
  new Date(wallMs).toISOString().slice(0, 19).replace('T', ' ')
