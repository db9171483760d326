import type { Timetable } from './timetable.ts'

/** What becomes of ticks that nobody could fire in time. */
export const CATCH_UPS = ['skip', 'last', 'all'] as const
export type CatchUp = (typeof CATCH_UPS)[number]

/** What becomes of a tick while the task of the one before has not ended. */
export const OVERLAPS = ['allow', 'skip', 'queue'] as const
export type Overlap = (typeof OVERLAPS)[number]

export const OUTCOMES = ['fired', 'caught_up', 'queued', 'skipped', 'backfilled', 'by_hand'] as const
export type Outcome = (typeof OUTCOMES)[number]

/** ms within which a tick is fired whatever its schedule says: a coordinator that is replaced makes none late. */
export const LATE_MS = 10_000
/** Ticks of one schedule that wait for the task of the one before, at most. */
export const MAX_QUEUED = 100
/** Missed ticks that have a row each; more are summed up in the row of the first. */
export const MAX_MISSED = 5000
/** Ticks decided at once. */
export const MAX_DECIDED = 500

export interface Policy {
  catchUp: CatchUp
  /** ms that a missed tick may be old to be caught up. */
  catchUpWindowMs: number
  overlap: Overlap
}

/** How a schedule stands when its ticks are decided. */
export interface Standing extends Policy {
  /** The first tick that is not in the ledger. */
  nextAt: Date | null
  /** Ticks that wait for the task of the one before, and the first of them. */
  queued: number
  firstQueued: Date | null
  /** The task that a tick started last, while it has not ended. */
  runningTaskId: string | null
}

export interface Decision {
  tickAt: Date
  outcome: Extract<Outcome, 'fired' | 'caught_up' | 'queued' | 'skipped'>
  reason: string | null
}

export interface Decided {
  /** What to do about each tick, oldest first; one that was queued comes again, as fired. */
  decisions: Decision[]
  /** The first tick that is not decided; null when there is no more. */
  nextAt: Date | null
  /** Ticks that wait from now on. */
  queued: number
}

/**
 * Decides the ticks that are due by `now`, the database's time: at most `limit` at once. While `nextAt` is due, ask
 * again.
 */
export function decideDue(standing: Standing, table: Timetable, now: Date, limit = MAX_DECIDED): Decided {
  const decisions: Decision[] = []
  let isBusy = standing.runningTaskId !== null
  let queued = standing.firstQueued ? Math.max(1, standing.queued) : 0
  if (standing.firstQueued && !isBusy) {
    decisions.push({ tickAt: standing.firstQueued, outcome: 'fired', reason: 'waited in the queue' })
    isBusy = true
    queued--
  }

  const { ticks, nextAt, passed } = dueTicks(standing, table, now, limit)
  if (passed) decisions.push({ tickAt: passed, outcome: 'skipped', reason: PASSED })
  const latest = nextAt && nextAt <= now ? null : ticks.at(-1)
  for (const tickAt of ticks) {
    const missed = missedBecause(standing, tickAt, tickAt === latest, now)
    if (missed) decisions.push({ tickAt, outcome: 'skipped', reason: missed })
    else if (standing.overlap === 'skip' && isBusy)
      decisions.push({ tickAt, outcome: 'skipped', reason: BUSY })
    else if (standing.overlap === 'queue' && (isBusy || queued > 0)) {
      const isFull = queued >= MAX_QUEUED
      if (!isFull) queued++
      decisions.push({ tickAt, outcome: isFull ? 'skipped' : 'queued', reason: isFull ? FULL : BUSY })
    } else {
      decisions.push({ tickAt, outcome: isLate(tickAt, now) ? 'caught_up' : 'fired', reason: null })
      isBusy = true
    }
  }
  return { decisions, nextAt, queued }
}

const BUSY = 'the task of an earlier tick had not ended'
const FULL = `${MAX_QUEUED} ticks were waiting already`
const PASSED = `missed, as were those after it but for the latest ${MAX_MISSED}`

const isLate = (tickAt: Date, now: Date) => now.getTime() - tickAt.getTime() > LATE_MS

function dueTicks({ nextAt }: Standing, table: Timetable, now: Date, limit: number) {
  if (!nextAt || nextAt > now) return { ticks: [], nextAt, passed: null }
  const before = (tick: Date) => new Date(tick.getTime() - 1)
  let ticks = table.between(before(nextAt), now, limit)
  let passed: Date | null = null
  const last = ticks.at(-1)
  if (last && ticks.length === limit) {
    const from = table.back(now, MAX_MISSED)
    if (from && from > last) {
      passed = nextAt
      ticks = table.between(before(from), now, limit)
    }
  }
  return { ticks, nextAt: table.next(ticks.at(-1) ?? now), passed }
}

/** Why a tick is not caught up, or null when it is fired. */
function missedBecause(policy: Policy, tickAt: Date, isLatest: boolean, now: Date): string | null {
  if (!isLate(tickAt, now)) return null
  if (policy.catchUp === 'skip') return 'missed, and missed ticks are skipped'
  if (now.getTime() - tickAt.getTime() > policy.catchUpWindowMs)
    return 'missed for longer than the catch-up window'
  if (policy.catchUp === 'last' && !isLatest) return 'missed, and a later tick was due'
  return null
}
