export interface WaitOptions {
  /** ms; by default so many that only what never comes is given up, however busy the machine is. */
  timeoutMs?: number
  /** Named in the error when the time is up. */
  what: string
}

const PAUSE_MS = 10
/** Of a wait that has been long, as a part of it, and at most. */
const LONG_PAUSE = { part: 1 / 20, mostMs: 25 }
/** What is slow to ask for is asked for less often, so that the asking does not take the time from what is waited for. */
const PAUSE_PER_MS = 2
const LONGEST_PAUSE_MS = 250

/**
 * Waits until a condition gives something truthy, and returns that. What the condition throws counts as
 * not yet.
 *
 * @throws when the time is up, naming what was waited for and the last error or value
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 30_000, what }: WaitOptions,
): Promise<Exclude<T, false | 0 | '' | null | undefined>> {
  const startedAt = performance.now()
  const deadline = startedAt + timeoutMs
  for (;;) {
    const askedAt = performance.now()
    let last: unknown
    try {
      const value = await condition()
      if (value) return value as Exclude<T, false | 0 | '' | null | undefined>
      last = value
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms in vain for ${what}; last: ${Bun.inspect(last)}`)
    }
    const now = performance.now()
    const patient = Math.min(LONG_PAUSE.mostMs, (now - startedAt) * LONG_PAUSE.part)
    await Bun.sleep(Math.min(LONGEST_PAUSE_MS, Math.max(PAUSE_MS, patient, (now - askedAt) * PAUSE_PER_MS)))
  }
}
