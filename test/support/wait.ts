export interface WaitOptions {
  /** ms; default 10,000. */
  timeoutMs?: number
  /** Named in the error when the time is up. */
  what: string
}

/** Between two looks, at first and at most: what takes long is as good as seen when it is seen a little later. */
const PAUSE_MS = { least: 10, most: 100, share: 0.05 }
/** A look may cost a query or a program: of the time, looking takes a third at most. */
const PAUSE_BY_LOOK = 2

/**
 * Waits until a condition gives something truthy, and returns that. What the condition throws counts as
 * not yet.
 *
 * @throws when the time is up, naming what was waited for and the last error or value
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 10_000, what }: WaitOptions,
): Promise<Exclude<T, false | 0 | '' | null | undefined>> {
  const startedAt = performance.now()
  const deadline = startedAt + timeoutMs
  for (;;) {
    let last: unknown
    const lookedAt = performance.now()
    try {
      const value = await condition()
      if (value) return value as Exclude<T, false | 0 | '' | null | undefined>
      last = value
    } catch (error) {
      last = error
    }
    const now = performance.now()
    if (now > deadline) {
      throw new Error(`waited ${timeoutMs} ms in vain for ${what}; last: ${Bun.inspect(last)}`)
    }
    const pauseMs = Math.min(PAUSE_MS.most, Math.max(PAUSE_MS.least, PAUSE_MS.share * (now - startedAt)))
    await Bun.sleep(Math.min(deadline - now, Math.max(pauseMs, PAUSE_BY_LOOK * (now - lookedAt))))
  }
}
