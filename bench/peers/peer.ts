/** Another queue, as the comparison uses it; what runs its jobs is in the same process. */
export interface Peer {
  /** Adds so many jobs with one call. */
  addBatch(count: number): Promise<unknown>
  /** Adds one job. */
  addOne(): Promise<unknown>
  /**
   * Begins to run jobs.
   *
   * @param onStart called when a job starts
   * @returns stops to run them, after those that it has in hand
   */
  work(onStart: () => void): Promise<() => Promise<unknown>>
  /** How many jobs have not ended, as is stored. */
  countOpen(): Promise<number>
  stop(): Promise<unknown>
}

/** Where a peer finds its database: one of its own, empty. */
export interface PeerSettings {
  host: string
  port: number
  user: string
  password: string
  database: string
  redisUrl: string | null
}

export const connectionString = ({ host, port, user, password, database }: PeerSettings): string =>
  `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`

/** What is measured of a contender. Per second, and ms; null: it does not do that. */
export interface Figures {
  drain: number
  batches: number
  singles: number
  pickUpP50: number | null
  pickUpP99: number | null
}

export interface Sizes {
  /** Of the drain, and of the inserts in batches of 1,000. */
  tasks: number
  /** Inserted one by one, 64 at once. */
  singles: number
  /** Of the pick-up, and how many before them are not counted. */
  samples: number
  warmUp: number
  /** ms after which a drain or a pick-up is given up. */
  limitMs: number
}
