export interface BackoffOptions {
  /** ms before the first retry, at most. */
  baseMs: number
  /** ms that no delay exceeds. */
  capMs: number
}

/**
 * Exponential backoff with full jitter: a delay in ms, evenly drawn from 0 to min(cap, base · 2^tries).
 * Full jitter because many clients that fail together must not come back together.
 *
 * @param tries how many tries have failed before this delay, from 0
 * @param random a number in [0, 1)
 */
export function backoffMs(tries: number, random: number, { baseMs, capMs }: BackoffOptions): number {
  return Math.min(capMs, baseMs * 2 ** Math.min(tries, 30)) * random
}
