/**
 * Knows whether leases could be renewed: whether this coordinator's beats have reached the database without a gap. Time in
 * which they did not (a frozen database, a paused machine, a clock that was set) says nothing about workers.
 */
export interface Steadiness {
  /** Notes a beat that renewed leases at this instant, in ms by the database's clock. */
  beat(at: number): void
  /** Notes a beat that failed. */
  fail(): void
  /** Tells whether every lease could have been renewed for as long as it lasts, up to the latest beat. */
  isProven(): boolean
  /** Tells whether there is a gap at this instant, or was one for as long ago as a lease lasts. */
  isBroken(at: number): boolean
}

/** @param leaseMs how long a lease lasts without a renewal */
export function createSteadiness(leaseMs: number): Steadiness {
  /** A live worker whose coordinator beats at least this often keeps its lease. */
  const maxGapMs = leaseMs / 2
  let since: number | null = null
  let latest: number | null = null
  let gapAt: number | null = null

  return {
    beat(at) {
      const isGap = latest !== null && (since === null || at < latest || at - latest > maxGapMs)
      if (isGap) gapAt = at
      if (isGap || since === null) since = at
      latest = at
    },
    fail() {
      since = null
    },
    isProven: () => since !== null && latest !== null && latest - since >= leaseMs,
    isBroken(at) {
      if (latest === null) return false
      if (since === null || at < latest || at - latest > maxGapMs) return true
      return gapAt !== null && at - gapAt < leaseMs
    },
  }
}
