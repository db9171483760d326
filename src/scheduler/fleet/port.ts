/** A worker that is to be killed. */
export interface KillTarget {
  id: number
  name: string
  /** Where it runs: in a container the container's own, in a pod the pod's. */
  hostname: string
}

/** How workers are started and killed here: one port, an adapter for each place where they run. */
export interface Fleet {
  /** Whether workers can be started and killed here at all. */
  readonly isScalable: boolean
  /**
   * Makes so many workers run.
   *
   * @returns the shell command that does the same
   * @throws `unavailable` with the reason when they cannot be scaled
   */
  scale(count: number): Promise<string>
  /**
   * Kills this worker hard, and nothing else.
   *
   * @returns the shell command that does the same
   * @throws `not_found` when it is none of this fleet's, `unavailable` with the reason
   */
  kill(worker: KillTarget): Promise<string>
  /**
   * The host name of the worker in the container of this name; null when none of this fleet's is called so.
   * Missing where workers run in nothing that has a name of its own.
   */
  hostnameOf?(container: string): Promise<string | null>
  /** Looks whether workers can be scaled here now; missing where that never changes. */
  look?(): Promise<void>
}
