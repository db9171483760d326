/**
 * Preloaded into a service: its wall clock is wrong by CHAOS_SKEW_MS. Timers and the monotonic clock stay
 * right, as on a machine whose time is set wrong.
 */
const Real = Date
const skewMs = Number(process.env.CHAOS_SKEW_MS ?? 0)

class SkewedDate extends Real {
  constructor(...given: [] | [string | number | Date]) {
    if (given.length === 0) super(Real.now() + skewMs)
    else super(...given)
  }

  static override now(): number {
    return Real.now() + skewMs
  }
}

// `new Date(2030, 0, 1)` and calls without `new` are left to the real one; no service has either.
globalThis.Date = SkewedDate as DateConstructor
