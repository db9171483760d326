import { backoffMs } from '../shared/core/backoff.ts'
import type { Log } from '../shared/log.ts'
import type { ClaimedTask } from '../shared/store/dispatch.ts'
import { isWorthClaiming, placeRoundRobin } from './placement.ts'
import type { Roster } from './roster.ts'

/** Tasks claimed by one statement, at most. */
const MAX_CLAIM = 1000
/** How soon to look again at what is overdue and yet not to be had, at first and at most. */
const LOOK_AGAIN_MS = 2
const LOOK_AGAIN_CAP_MS = 250
/** How long after a claim that left nothing to look whether that is so. */
const LOOK_BACK_MS = 250

export interface ClaimerOptions {
  roster: Roster
  log: Log
  /** The statement that claims, one task for each worker id given. */
  claim: (workerIds: number[]) => Promise<ClaimedTask[]>
  /** ms until the next task is due, or null. */
  msUntilNextDue: () => Promise<number | null>
  /** Passes on what is committed. */
  dispatch: (tasks: ClaimedTask[]) => void
  /** Called after a claim whose outcome is unknown, before the next: compares the table with the roster. */
  reconcile: () => Promise<void>
  /** ms ahead for which a timer is armed; what is due later is found by a scan. */
  lookAheadMs: number
  /** Told how long each claim took, in ms. */
  onClaimed?: (tookMs: number) => void
  /** Nothing is due: the moment to look for work that is stuck behind other work. */
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
  stop(): Promise<void>
}

/** Claims by credit: no more than the workers have room for, committed before anything is sent. */
export function createClaimer(options: ClaimerOptions): Claimer {
  const { roster, log } = options
  /** Something may be due that no claim has seen yet. */
  let backlog = true
  let unsure = false
  /** Whether anything has happened since the last look back. */
  let eventful = true
  let lookAgainMs = LOOK_AGAIN_MS
  let nextDueUnknown = true
  let lastPlaced: number | null = null
  let running: Promise<void> | null = null
  let stopped = false
  let failures = 0
  let timer: Timer | null = null
  let timerAt = Number.POSITIVE_INFINITY

  async function tick(): Promise<number> {
    if (unsure) {
      // A scan that is asked for while this one looks may have to see more than it does.
      unsure = false
      await options.reconcile().catch((error) => {
        unsure = true
        throw error
      })
    }
    const workerIds = placeRoundRobin(roster.available(), lastPlaced, MAX_CLAIM)
    if (workerIds.length === 0) return 0
    backlog = false
    const startedAt = performance.now()
    const tasks = await options.claim(workerIds).catch((error) => {
      backlog = true
      unsure = true
      throw error
    })
    const tookMs = performance.now() - startedAt
    options.onClaimed?.(tookMs)
    log.debug({ asked: workerIds.length, claimed: tasks.length, tookMs }, 'Claimed')
    if (tasks.length > 0) {
      lastPlaced = workerIds[tasks.length - 1] ?? null
      options.dispatch(tasks)
    }
    if (tasks.length > 0) lookAgainMs = LOOK_AGAIN_MS
    if (tasks.length === workerIds.length) backlog = true
    else if (tasks.length > 0 || eventful) {
      // It passed by what others had locked. They may have died, or rolled back.
      eventful = false
      dueIn(LOOK_BACK_MS)
    }
    return tasks.length
  }

  async function lookAhead() {
    nextDueUnknown = false
    const ms = await options.msUntilNextDue().catch((error) => {
      nextDueUnknown = true
      throw error
    })
    // Overdue by now, or being claimed by another coordinator: look again in a moment, not at once.
    if (ms === null) return
    if (ms > 0) return dueIn(Math.max(ms, 1))
    dueIn(lookAgainMs)
    lookAgainMs = Math.min(lookAgainMs * 2, LOOK_AGAIN_CAP_MS)
  }

  // While there is a backlog the next due time does not matter.
  const hasWork = () =>
    !stopped && (unsure || (backlog ? isWorthClaiming(roster.available()) : nextDueUnknown))

  async function run() {
    while (hasWork()) {
      try {
        if (backlog || unsure) await tick()
        if (nextDueUnknown && !backlog) await lookAhead()
        failures = 0
      } catch (error) {
        const pauseMs = 50 + backoffMs(failures++, Math.random(), { baseMs: 100, capMs: 2000 })
        log.warn({ err: error, pauseMs: Math.round(pauseMs) }, 'Could not claim; trying again')
        await Bun.sleep(pauseMs)
      }
    }
    running = null
    if (!backlog && !stopped) options.onIdle?.()
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
      backlog = true
      start()
    }, Math.ceil(ms))
  }

  function wake() {
    backlog = true
    eventful = true
    start()
  }

  return {
    wake,
    dueIn,
    tick,
    onRoom() {
      if (backlog) start()
      else if (!running) options.onIdle?.()
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
