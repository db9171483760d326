/** One connection to one coordinator, from the moment it serves until it is lost. */
export interface CoordinatorLink {
  /** Asks for no more work, and hands back what has not started where the protocol has a way to. */
  drain(): void
  /** Leaves; when draining, it is a goodbye and nothing is waited for. */
  close(): void
  /** Resolves with the reason when the connection is lost or closed. */
  readonly lost: Promise<string>
}

/** A coordinator that answers the dispatch stream with UNIMPLEMENTED: it knows only the documented RPCs. */
export const UNIMPLEMENTED = Symbol('unimplemented')
