import type { Log } from '../../shared/log.ts'
import { createTroubles, type Troubles } from '../../shared/runtime/troubles.ts'
import { listen, SCHEDULES_CHANNEL } from '../../shared/store/channel.ts'
import type { Sql } from '../../shared/store/connect.ts'
import { mayBeOfOneRow } from '../../shared/store/errors.ts'
import {
  type DueSchedule,
  type Firing,
  findDueSchedules,
  fireTicks,
  msUntilNextTick,
  postponeSchedule,
  trimLedger,
} from '../../shared/store/ticks.ts'
import { troubled } from '../../shared/store/troubled.ts'
import { firingOf } from './firing.ts'
import { createTimetables } from './timetables.ts'

/** Schedules that are looked at together. */
const BATCH = 200
/** How many batches further a coordinator begins, at most, that came second at what it looked at. */
const MAX_APART = 8
/** Ticks that go into one statement, about. */
const MAX_TICKS = 1000
/** How soon to look again at what another coordinator has locked, at first and at most. */
const LOOK_AGAIN_MS = 2
const LOOK_AGAIN_CAP_MS = 100
/** How long a schedule rests that cannot be fired while others can. */
const POSTPONE_MS = 60_000
/** Rows that a ledger keeps, and after how many new ones it is trimmed. */
const KEPT_TICKS = 10_000
const TRIM_EVERY = 500

export interface Schedules {
  /** Something has changed: looks at once. */
  wake(): void
  /** One look; resolves with the number of ticks that were written to ledgers. */
  tick(): Promise<number>
  stop(): Promise<void>
}

export interface SchedulesOptions {
  sql: Sql
  log: Log
  /** ms between two looks, at most. */
  scanIntervalMs: number
  troubles?: Troubles
}

/**
 * Fires the ticks of schedules as they come due by the database's clock. Every coordinator does; the row of a schedule
 * decides who does it for each tick, and the key of the ledger that nobody does it twice.
 */
export async function startSchedules({
  sql,
  log,
  scanIntervalMs,
  troubles = createTroubles(),
}: SchedulesOptions): Promise<Schedules> {
  const timetableOf = createTimetables()
  let timer: Timer | null = null
  let running: Promise<void> | null = null
  let again = false
  let stopped = false
  let lookAgainMs = LOOK_AGAIN_MS
  let apart = 0

  async function tick(): Promise<number> {
    const firings: Firing[] = []
    let size = 0
    for (const schedule of await findDue()) {
      if (size >= MAX_TICKS) break
      try {
        const firing = firingOf(schedule, timetableOf(schedule), () => Bun.randomUUIDv7())
        firings.push(firing)
        size += firing.decisions.length
      } catch (error) {
        await giveUp(schedule, error)
      }
    }
    if (firings.length === 0) return 0
    const written = await fire(firings)
    const cameSecond = written === 0 && size > 0
    apart = cameSecond ? Math.min(2 * apart + 1, MAX_APART) : Math.max(0, apart - 1)
    return written
  }

  /** Where many are due at one moment, coordinators must not all begin with the same ones. */
  async function findDue() {
    const skip = Math.floor(Math.random() * (apart + 1)) * BATCH
    const due = skip > 0 ? await findDueSchedules(sql, BATCH, skip) : []
    return due.length > 0 ? due : await findDueSchedules(sql, BATCH)
  }

  async function fire(firings: Firing[]): Promise<number> {
    try {
      return await fireTogether(firings)
    } catch (error) {
      if (firings.length === 1 || !mayBeOfOneRow(error)) throw error
    }
    return await fireApart(firings)
  }

  async function fireTogether(firings: Firing[]): Promise<number> {
    const written = await fireTicks(sql, firings)
    for (const firing of firings) await trim(firing)
    return written.length
  }

  /**
   * What PostgreSQL refuses of one schedule must not keep the others from firing; where it refuses all of them, it is not
   * theirs, and they stay due.
   */
  async function fireApart(firings: Firing[]): Promise<number> {
    const refused: { schedule: DueSchedule; error: unknown }[] = []
    let written = 0
    for (const firing of firings) {
      try {
        written += await fireTogether([firing])
      } catch (error) {
        if (!mayBeOfOneRow(error)) throw error
        refused.push({ schedule: firing.schedule, error })
      }
    }
    if (refused.length === firings.length) throw refused[0]?.error
    for (const { schedule, error } of refused) await giveUp(schedule, error)
    return written
  }

  async function trim({ schedule: { id, ticks }, decisions }: Firing) {
    const after = ticks + decisions.length
    if (after > KEPT_TICKS && Math.floor(after / TRIM_EVERY) > Math.floor(ticks / TRIM_EVERY)) {
      await trimLedger(sql, id, KEPT_TICKS)
    }
  }

  async function giveUp({ id }: { id: string }, error: unknown) {
    log.error({ err: error, schedule: id }, 'Cannot fire a schedule; it is tried again in a minute')
    await postponeSchedule(sql, id, POSTPONE_MS)
  }

  /** Looks until nothing is due; ms until the next look. */
  async function work(): Promise<number> {
    let written = 0
    try {
      do {
        again = false
        written = await troubled(troubles, 'schedules', 'Schedules cannot be fired', tick)
        if (written > 0) lookAgainMs = LOOK_AGAIN_MS
        const ms = await msUntilNextTick(sql)
        if (ms === null) return scanIntervalMs
        if (ms > 0) {
          lookAgainMs = LOOK_AGAIN_MS
          return Math.min(Math.ceil(ms), scanIntervalMs)
        }
      } while ((written > 0 || again) && !stopped)
    } catch (error) {
      log.warn({ err: error }, 'Could not look at the schedules; trying again')
      return Math.min(1000, scanIntervalMs)
    }
    lookAgainMs = Math.min(2 * lookAgainMs, LOOK_AGAIN_CAP_MS)
    return lookAgainMs
  }

  function wake() {
    again = true
    if (running || stopped) return
    if (timer) clearTimeout(timer)
    running = work().then((ms) => {
      running = null
      if (stopped) return
      if (again) wake()
      else timer = setTimeout(wake, ms)
    })
  }

  const notices = await listen(sql, SCHEDULES_CHANNEL, wake, wake)
  wake()

  return {
    wake,
    tick,
    async stop() {
      stopped = true
      if (timer) clearTimeout(timer)
      await Promise.all([notices.stop().catch(() => {}), running])
    },
  }
}
