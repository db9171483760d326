/** How many tasks a worker may hold at most, running ones included. */
export const MAX_WINDOW = 512

/**
 * How many tasks a worker should hold: one per slot, and as many queued as its slots finish while a report
 * travels up and the next tasks come down. Long tasks are never queued behind each other; short ones never
 * leave a slot waiting.
 *
 * @param slots how many tasks it runs at once
 * @param runMs the mean run time of its recent tasks, or null while none has ended
 * @param roundTripMs how long a freed slot would wait for its next task
 */
export function windowFor(slots: number, runMs: number | null, roundTripMs: number): number {
  if (runMs === null) return slots
  // Rounded up, because even one queued task saves slots a wait; but not for a tenth of one, so that of long
  // tasks none is ever queued.
  const queued = Math.ceil((slots * roundTripMs) / Math.max(runMs, 0.02) - 0.1)
  return Math.max(slots, Math.min(slots + queued, MAX_WINDOW))
}

/** A mean that forgets: each new value weighs `weight` (0 to 1), all before it the rest. */
export function movingMean(before: number | null, value: number, weight: number): number {
  return before === null ? value : before + weight * (value - before)
}
