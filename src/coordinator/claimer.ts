import { backoffMs } from '../shared/core/backoff.ts'
import { type Capabilities, runsLane } from '../shared/core/lane.ts'
import type { Log } from '../shared/log.ts'
import type { ClaimedTask } from '../shared/store/dispatch.ts'
import { chooseClaim, groupByKind, type Kind, type NextClaim } from './placement.ts'
import type { Roster } from './roster.ts'
import { createRounds, type Rounds } from './rounds.ts'

/** Tasks claimed by one statement, at most. */
const MAX_CLAIM = 1000
/** How soon to look again at what is overdue and yet not to be had, at first and at most. */
const LOOK_AGAIN_MS = 2
const LOOK_AGAIN_CAP_MS = 250
/** How long after a claim that left nothing to look whether that is so. */
const LOOK_BACK_MS = 250

export interface ClaimerOptions {
  roster: Roster
  /** Whose turn it is, when others place tasks, too. */
  rounds?: Rounds
  log: Log
  /**
   * The statement that claims, one task for each worker id given; all of them run the same. What the others run, too,
   * may be left to them.
   */
  claim: (workerIds: number[], can: Capabilities, others: string[]) => Promise<ClaimedTask[]>
  /** ms until the next task is due that such workers run, or null. */
  msUntilNextDue: (can: Capabilities) => Promise<number | null>
  /** Passes on what is committed. */
  dispatch: (tasks: ClaimedTask[]) => void
  /** Called after a claim whose outcome is unknown, before the next: compares the table with the roster. */
  reconcile: () => Promise<void>
  /** ms ahead for which a timer is armed; what is due later is found by a scan. */
  lookAheadMs: number
  /** Told how long each claim took, in ms. */
  onClaimed?: (tookMs: number) => void
  /** For some kind of workers nothing is due: the moment to look for work that is stuck behind other work. */
  onIdle?: () => void
}

export interface Claimer {
  /** Something may be due now. */
  wake(): void
  /** A place became free: claims only if something is known to wait for one. */
  onRoom(): void
  /** Something will be due in so many ms. */
  dueIn(ms: number): void
  /** Looks at the tables with no assumption: overdue tasks, the next due time, lost claims. */
  scan(): void
  /** One claim. Resolves with the number of tasks claimed. */
  tick(): Promise<number>
  /** Resolves when the claim that is on its way, and has slots promised, is dispatched; null: there is none. */
  readonly claiming: Promise<unknown> | null
  /** Whether nothing is due, as far as is known, that workers of this kind run. */
  nothingWaits(kind: string): boolean
  stop(): Promise<void>
}

/** Claims by credit: no more than the workers have room for, committed before anything is sent. */
export function createClaimer(options: ClaimerOptions): Claimer {
  const { roster, log, rounds = createRounds() } = options
  /** Kinds of workers for which nothing is known to wait: for all others something may, that no claim has seen yet. */
  const quiet = new Set<string>()
  /** The kinds for which the next due time was looked up. */
  let looked = new Set<string>()
  let unsure = false
  /** Whether anything has happened since the last look back. */
  let eventful = true
  let lookAgainMs = LOOK_AGAIN_MS
  let nextDueUnknown = true
  let sure: string | null = null
  let running: Promise<void> | null = null
  let claiming: Promise<unknown> | null = null
  let stopped = false
  let failures = 0
  let timer: Timer | null = null
  let timerAt = Number.POSITIVE_INFINITY

  const kinds = () => groupByKind(roster.available())
  const isQuiet = ({ kind }: Kind) => quiet.has(kind)
  const turn = () => ({ last: rounds.last, served: rounds.served, sure })
  const nextClaim = (all: Kind[]) =>
    chooseClaim(
      all.filter((one) => !isQuiet(one)),
      all,
      turn(),
      MAX_CLAIM,
    )
  const isLookDue = (all: Kind[]) =>
    all.some((one) => isQuiet(one) && (nextDueUnknown || !looked.has(one.kind)))

  async function tick(): Promise<number> {
    if (unsure) {
      // A scan that is asked for while this one looks may have to see more than it does.
      unsure = false
      await options.reconcile().catch((error) => {
        unsure = true
        throw error
      })
    }
    const all = kinds()
    const next = nextClaim(all) ?? chooseClaim(all, all, turn(), MAX_CLAIM)
    if (!next || next.workerIds.length === 0) return 0
    const own = claim(next)
    claiming = own.catch(() => {})
    try {
      return await own
    } finally {
      claiming = null
    }
  }

  async function claim({ of: { kind, can }, workerIds, others }: NextClaim): Promise<number> {
    quiet.add(kind)
    sure = kind
    const startedAt = performance.now()
    const beside = others.map((other) => other.kind)
    const release = roster.promise(workerIds)
    let tasks: ClaimedTask[]
    try {
      tasks = await options.claim(workerIds, can, beside)
    } catch (error) {
      quiet.delete(kind)
      unsure = true
      throw error
    } finally {
      release()
    }
    const tookMs = performance.now() - startedAt
    options.onClaimed?.(tookMs)
    log.debug({ asked: workerIds.length, claimed: tasks.length, tookMs }, 'Claimed')
    if (tasks.length > 0) {
      rounds.note(workerIds.slice(0, tasks.length))
      wakeOthers(tasks)
      options.dispatch(tasks)
    }
    if (tasks.length > 0) lookAgainMs = LOOK_AGAIN_MS
    if (tasks.length === workerIds.length) quiet.delete(kind)
    else sure = null
    if (tasks.length < workerIds.length && (tasks.length > 0 || eventful)) {
      // It passed by what others had locked. They may have died, or rolled back.
      eventful = false
      dueIn(LOOK_BACK_MS)
    }
    return tasks.length
  }

  /** What was found came after those found nothing that run it, too. */
  function wakeOthers(tasks: ClaimedTask[]) {
    if (quiet.size === 0) return
    const lanes = [...new Set(tasks.map(({ lane }) => lane))]
    for (const { kind, can } of kinds()) {
      if (kind !== sure && quiet.has(kind) && lanes.some((lane) => runsLane(can, lane))) quiet.delete(kind)
    }
  }

  // Of a kind for which something waits, the next due time does not matter.
  async function lookAhead(all: Kind[]) {
    nextDueUnknown = false
    const waiting = all.filter(isQuiet)
    looked = new Set(waiting.map(({ kind }) => kind))
    for (const { can } of waiting) {
      const ms = await options.msUntilNextDue(can).catch((error) => {
        nextDueUnknown = true
        throw error
      })
      if (ms === null) continue
      if (ms > 0) dueIn(Math.max(ms, 1))
      else {
        // Overdue by now, or being claimed by another coordinator: look again in a moment, not at once.
        dueIn(lookAgainMs)
        lookAgainMs = Math.min(lookAgainMs * 2, LOOK_AGAIN_CAP_MS)
      }
    }
  }

  function hasWork(all = kinds()) {
    return !stopped && (unsure || nextClaim(all) !== null || isLookDue(all))
  }

  async function run() {
    while (hasWork()) {
      try {
        if (unsure || nextClaim(kinds())) await tick()
        const all = kinds()
        if (isLookDue(all) && !nextClaim(all)) await lookAhead(all)
        failures = 0
      } catch (error) {
        const pauseMs = 50 + backoffMs(failures++, Math.random(), { baseMs: 100, capMs: 2000 })
        log.warn({ err: error, pauseMs: Math.round(pauseMs) }, 'Could not claim; trying again')
        await Bun.sleep(pauseMs)
      }
    }
    running = null
    if (!stopped && kinds().some(isQuiet)) options.onIdle?.()
  }

  function start() {
    if (hasWork()) running ??= run()
  }

  function dueIn(ms: number) {
    if (ms <= 0) return wake()
    const at = performance.now() + ms
    if (stopped || ms > options.lookAheadMs || at >= timerAt) return
    if (timer) clearTimeout(timer)
    timerAt = at
    timer = setTimeout(() => {
      timer = null
      timerAt = Number.POSITIVE_INFINITY
      nextDueUnknown = true
      quiet.clear()
      start()
    }, Math.ceil(ms))
  }

  function wake() {
    quiet.clear()
    sure = null
    eventful = true
    start()
  }

  return {
    wake,
    dueIn,
    tick,
    get claiming() {
      return claiming
    },
    nothingWaits: (kind) => quiet.has(kind),
    onRoom() {
      const all = kinds()
      if (all.some((one) => !isQuiet(one))) start()
      if (!running && all.some(isQuiet)) options.onIdle?.()
    },
    scan() {
      unsure = true
      nextDueUnknown = true
      wake()
    },
    async stop() {
      stopped = true
      if (timer) clearTimeout(timer)
      await running
    },
  }
}
