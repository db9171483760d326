import type { CronTimes } from './cron.ts'
import type { Zone } from './zone.ts'

/** Times on the wall, as if it were UTC: what a pattern says, whatever the zone. */
export interface WallTimes {
  next(after: Date): Date | null
  previous(count: number, before: Date): Date[]
}

const HOUR_MS = 3_600_000
/** Local time is this far behind UTC, or ahead of it, at most. */
const BEHIND_MS = 13 * HOUR_MS
const AHEAD_MS = 15 * HOUR_MS
/** Clocks were set by at most a day, where a country changed to the other side of the date line. */
const LONGEST_CHANGE_MS = 25 * HOUR_MS

/**
 * The instants of times that are written out, each once a day: a time that does not exist comes at the end of the gap,
 * whichever day that is on, and one that comes twice the first time.
 */
export function fixedTimes(onWall: WallTimes, zone: Zone): Pick<CronTimes, 'next' | 'previous'> {
  const wallAt = (at: number) => at + zone.offsetMs(new Date(at))

  /** The latest time that the wall has shown up to an instant: it may show an earlier one since it was set back. */
  function latestWall(at: number): number {
    const changes = zone.changes(new Date(at - LONGEST_CHANGE_MS), new Date(at))
    return Math.max(wallAt(at), ...changes.map((change) => change.at.getTime() + change.beforeMs))
  }

  return {
    next(after) {
      for (let wall = onWall.next(new Date(wallAt(after.getTime()))); wall; wall = onWall.next(wall)) {
        const at = firstInstant(zone, wall.getTime())
        if (at > after.getTime()) return new Date(at)
      }
      return null
    },
    previous(before, count) {
      const found: number[] = []
      let wall = new Date(latestWall(before.getTime() - 1) + 1)
      while (found.length < count) {
        const walls = onWall.previous(count - found.length, wall)
        for (const one of walls) {
          const at = firstInstant(zone, one.getTime())
          // Several times of one gap are one instant.
          if (at < before.getTime() && at !== found.at(-1)) found.push(at)
        }
        const last = walls.at(-1)
        if (!last) break
        wall = last
      }
      return found.map((at) => new Date(at))
    },
  }
}

/** The first instant at which the wall shows a time, or, where it never does, that at which it jumps over it. */
function firstInstant(zone: Zone, wall: number): number {
  const [earliest, latest] = [new Date(wall - AHEAD_MS), new Date(wall + BEHIND_MS)]
  let offset = zone.offsetMs(earliest)
  if (offset === zone.offsetMs(latest)) return wall - offset
  for (const { at, afterMs } of zone.changes(earliest, latest)) {
    if (wall - offset < at.getTime()) return wall - offset
    if (wall - afterMs < at.getTime()) return at.getTime()
    offset = afterMs
  }
  return wall - offset
}
