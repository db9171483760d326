const MIB = 1024 * 1024

/** What all callers together, and each of them, may take of a scheduler. */
export interface Limits {
  /** ms within which the body of a request must have arrived. */
  bodyTimeoutMs: number
  /** Bytes of the bodies that are being received at once, and again of those that are being worked on. */
  bodyBytes: number
  /** Bytes of tasks, lines or schedules after which a page of a list ends; shared by the calls of one request. */
  pageBytes: number
  /** Event streams, subscriptions, exports and WebSockets that are open at once, in all and of one address. */
  streams: number
  streamsPerCaller: number
}

export const DEFAULT_LIMITS: Limits = {
  bodyTimeoutMs: 15_000,
  bodyBytes: 128 * MIB,
  pageBytes: 4 * MIB,
  streams: 1000,
  streamsPerCaller: 250,
}
