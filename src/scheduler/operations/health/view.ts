export type HealthState = 'ok' | 'degraded' | 'down' | 'unknown'

/** How one part of the system is. */
export interface ComponentHealth {
  state: HealthState
  /** What is wrong, and what that means, in words for people; null when nothing is. */
  message: string | null
  /** What the other side called it, such as an SQLSTATE; null when there is no such name. */
  code: string | null
  /** Since when it is in this state. */
  since: string
}

export interface CoordinatorHealth extends ComponentHealth {
  /** Null when it never answered. */
  id: string | null
  /** host:port. */
  address: string
  /** How many reports of workers it could not store so far. */
  waiting: number
  /** Everything that keeps it from its work, the longest first; `message` has the one that says most. */
  troubles: string[]
}

/** How the whole system is, as every page, the command line and `/readyz` say it. */
export interface HealthView extends ComponentHealth {
  database: ComponentHealth
  /** Whether what happens in the database is told as it happens. */
  feed: ComponentHealth
  coordinators: CoordinatorHealth[]
  /** How many reports of workers wait to be stored, in all coordinators. */
  reports_waiting: number
  /** ms since the database last answered; null when it has not yet. */
  database_age_ms: number | null
  /** ms since the feed was last known to be current; null when it was not yet. */
  feed_age_ms: number | null
}
