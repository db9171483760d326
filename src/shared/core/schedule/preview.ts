import { parseCron } from './cron.ts'
import { type Timing, timetable } from './timetable.ts'
import { type ClockChange, wallTime, type Zone, zoneOf } from './zone.ts'

/** How far ahead changes of the clock are looked for: every zone that has any has one by then. */
const AHEAD_MS = 400 * 86_400_000
/** Times that a note names. */
const NAMED = 3

export interface Preview {
  ticks: { at: Date; local: string; note: string | null }[]
  /** What changes of the clock do to it within 400 days. */
  changes: { at: Date; note: string }[]
}

interface Noted {
  at: Date
  note: string
  /** Ticks that it says come; none: it says that none does. */
  fires: Date[]
  /** Whether a tick is one that the note is about. */
  concerns(tick: Date): boolean
}

/**
 * The next ticks of a timing after an instant, and what changes of the clock do to them.
 *
 * @throws `invalid` naming the field
 */
export function preview(timing: Timing, after: Date, count: number): Preview {
  const table = timetable(timing)
  const zone = zoneOf(timing.timeZone)
  const until = new Date(after.getTime() + AHEAD_MS)
  const ticks: Date[] = []
  for (let tick = table.next(after); tick && ticks.length < count; tick = table.next(tick)) ticks.push(tick)
  // What a note says to fire has to be a tick: it may lie before the start or after the end.
  const isWithin = ({ at, fires }: Noted) =>
    fires.length === 0
      ? !(timing.startsAt && at < timing.startsAt) && !(timing.endsAt && at > timing.endsAt)
      : fires.every((tick) => table.next(new Date(tick.getTime() - 1))?.getTime() === tick.getTime())
  const notes =
    timing.cron === null ? [] : zone.changes(after, until).flatMap((change) => noteOn(timing, zone, change))
  return {
    ticks: ticks.map((at) => ({
      at,
      local: zone.format(at),
      note: notes.find(({ concerns }) => concerns(at))?.note ?? null,
    })),
    changes: notes.filter(isWithin).map(({ at, note }) => ({ at, note })),
  }
}

function noteOn(timing: Timing, zone: Zone, change: ClockChange): Noted[] {
  const { at, beforeMs, afterMs } = change
  const [low, high] = [Math.min(beforeMs, afterMs), Math.max(beforeMs, afterMs)]
  const from = at.getTime() + low
  const walls = wallTimes(timing.cron ?? '', from, at.getTime() + high)
  const [first] = walls
  if (!first) return []
  const names = walls.map(nameOf)
  const isFixed = parseCron(timing.cron ?? '', timing.timeZone).isFixedTime
  const day = wallTime(first.getTime()).slice(0, 10)
  const what = `${list(names)} on ${day} in ${timing.timeZone}`
  const lengthMs = high - low
  if (afterMs > beforeMs) {
    const resumed = zone.format(at)
    const resumesAt = `${resumed.slice(11, 16)}${resumed.startsWith(day) ? '' : ` on ${resumed.slice(0, 10)}`}`
    const verb = names.length === 1 ? 'does not exist' : 'do not exist'
    const note = `${what.replace(' on ', ` ${verb} on `)}: ${isFixed ? `fires at ${resumesAt}` : 'does not fire then'}`
    return [
      {
        at,
        note,
        fires: isFixed ? [at] : [],
        concerns: (tick) => isFixed && tick.getTime() === at.getTime(),
      },
    ]
  }
  const verb = names.length === 1 ? 'comes twice' : 'come twice'
  const note = `${what.replace(' on ', ` ${verb} on `)}: fires ${isFixed ? 'the first time' : 'both times'}`
  const fires = [beforeMs, ...(isFixed ? [] : [afterMs])].map((ahead) => new Date(first.getTime() - ahead))
  return [{ at, note, fires, concerns: (tick) => Math.abs(tick.getTime() - at.getTime() + 0.5) < lengthMs }]
}

/** The times on the wall that a pattern names from `from` until before `to`; a few of them, and the last. */
function wallTimes(cron: string, from: number, to: number): Date[] {
  const onWall = parseCron(cron, 'UTC')
  const found: Date[] = []
  let tick = onWall.next(new Date(from - 1))
  for (; tick && tick.getTime() < to && found.length <= NAMED; tick = onWall.next(tick)) found.push(tick)
  return found
}

function nameOf(tick: Date): string {
  const time = wallTime(tick.getTime()).slice(11)
  return time.endsWith(':00') ? time.slice(0, 5) : time
}

function list(names: string[]): string {
  if (names.length > NAMED) return `${names.slice(0, NAMED).join(', ')} and others`
  return names.length === 1 ? (names[0] as string) : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
