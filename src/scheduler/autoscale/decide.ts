/** What one look at the system saw. */
export interface Observation {
  /** ms of a clock that all schedulers share. */
  at: number
  /** Workers that live and are not draining, and their slots. */
  workers: number
  slots: number
  /** Tasks that are held: queued in a worker, or running. */
  held: number
  /** Tasks that are due and that no worker has. */
  waiting: number
  /** How long a task runs lately, in ms. */
  runMs: number
}

export interface Policy {
  min: number
  max: number
  /** ms that a due task should wait at most. */
  targetWaitMs: number
  /** ms that fewer workers must have been enough before some are let go. */
  coolDownMs: number
}

/** What has to be remembered from one look to the next. */
export interface Memory {
  /** How many workers were asked for last, and when. */
  asked: { workers: number; at: number } | null
  /** Since when fewer would have been enough, and how many of them at the worst moment since. */
  room: { since: number; enough: number } | null
  /** Since when there are fewer than the least. */
  fewSince: number | null
}

export interface Decision {
  memory: Memory
  /** How many workers there should be; null: as many as there are. */
  scaleTo: number | null
  /** Why, as a sentence for people. */
  reason: string
}

export const NOTHING_REMEMBERED: Memory = { asked: null, room: null, fewSince: null }

/** What is asked for takes a while to come: until then it counts as if it were there. */
export const ARRIVAL_MS = 15_000
/** Slots of a worker when there is none to look at. */
const USUAL_SLOTS = 5
/** Workers are let go only when so much more work than there is would still be done in time. */
const HEADROOM = 1.25

/**
 * How many workers it takes. Held tasks keep their slots busy; what waits is to be done within the target, which
 * takes `waiting × runMs / target` slots more. More are asked for at once; fewer only after they would have been
 * enough, with headroom, for the whole cool-down. So a moment's lull lets nobody go, and a constant load comes to
 * rest at one number.
 */
export function decide(seen: Observation, policy: Policy, memory: Memory): Decision {
  const { at, workers } = seen
  const isOnItsWay = memory.asked !== null && at - memory.asked.at < ARRIVAL_MS
  const present = memory.asked && isOnItsWay ? memory.asked.workers : workers
  const needed = neededFor(seen, policy, 1)
  const enough = neededFor(seen, policy, HEADROOM)

  const fewSince = present < policy.min ? (memory.fewSince ?? at) : null

  const ask = (scaleTo: number, reason: string): Decision => ({
    memory: { asked: { workers: scaleTo, at }, room: null, fewSince: null },
    scaleTo,
    reason: `${reason}: from ${present} to ${scaleTo} ${scaleTo === 1 ? 'worker' : 'workers'}`,
  })
  const rest = (room: Memory['room'], reason: string): Decision => ({
    memory: { asked: memory.asked, room, fewSince },
    scaleTo: null,
    reason,
  })

  if (fewSince !== null) {
    // Whoever starts them first, or again after a kill, is given the time for it.
    if (at - fewSince < ARRIVAL_MS) return rest(null, `${present} of at least ${policy.min} are here yet`)
    return ask(Math.max(policy.min, needed), `At least ${policy.min} are wanted`)
  }
  if (present > policy.max) return ask(policy.max, `At most ${policy.max} are wanted`)
  if (needed > present) return ask(needed, describeWait(seen, policy))
  if (enough >= present) return rest(null, `${present} are what it takes. ${describeWait(seen, policy)}`)

  const room = {
    since: memory.room?.since ?? at,
    enough: Math.max(memory.room?.enough ?? 0, enough),
  }
  const calmSince = Math.max(room.since, memory.asked?.at ?? 0)
  const left = policy.coolDownMs - (at - calmSince)
  if (left > 0) {
    return rest(room, `${room.enough} would be enough; looked at for ${seconds(left)} more`)
  }
  return ask(room.enough, `Fewer were enough for ${seconds(policy.coolDownMs)}`)
}

function neededFor(seen: Observation, { min, max, targetWaitMs }: Policy, headroom: number): number {
  const slotsEach = seen.workers > 0 ? Math.max(1, seen.slots / seen.workers) : USUAL_SLOTS
  // What is held beyond the slots waits too, in the workers.
  const busy = Math.min(seen.held, seen.slots)
  const queued = seen.waiting + (seen.held - busy)
  const slots = headroom * (busy + (queued * seen.runMs) / targetWaitMs)
  return Math.min(max, Math.max(min, Math.ceil(slots / slotsEach - 1e-9)))
}

function describeWait(seen: Observation, { targetWaitMs }: Policy): string {
  const queued = seen.waiting + Math.max(0, seen.held - seen.slots)
  if (queued === 0) return 'No task waits'
  const waitMs = seen.slots > 0 ? (queued * seen.runMs) / seen.slots : null
  const howLong = waitMs === null ? 'without a worker' : `about ${seconds(waitMs)}`
  return `${queued} ${queued === 1 ? 'task waits' : 'tasks wait'} ${howLong}, and should ${seconds(targetWaitMs)}`
}

const seconds = (ms: number) =>
  ms < 10_000 ? `${Math.round(ms / 100) / 10} s` : `${Math.round(ms / 1000)} s`
