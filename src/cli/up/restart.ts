const FIRST_MS = 1000
const CAP_MS = 30_000

/** A child that ran this long before it ended is taken to have been well. */
export const SOUND_AFTER_MS = 30_000

/**
 * ms to wait before a child that ended is started again: about a second, doubling while it keeps ending soon,
 * and jittered so that many do not start at once.
 *
 * @param quickEnds how often in a row it ended soon, from 0
 * @param random a number in [0, 1)
 */
export function restartDelayMs(quickEnds: number, random: number): number {
  return Math.min(CAP_MS, FIRST_MS * 2 ** Math.min(quickEnds, 30)) * (0.75 + random / 2)
}
