import type { LiveMessage } from '../api.ts'

export type Link = 'connecting' | 'live' | 'disconnected'

/**
 * Whether what is shown can be believed: `live` while it is current, `stale` while it is from before, `unknown` while
 * the server has never been able to say anything.
 */
export type Freshness = Link | 'stale' | 'unknown'

/** The last message of the server, and when it came, by performance.now(). */
export interface Received {
  message: Pick<LiveMessage, 'type' | 'dataAgeMs'>
  at: number
}

/** ms after which what is shown is no longer called live. */
export const STALE_MS = 3000

/** How old what is shown is, in ms; null when nothing is shown. */
export function ageOf(received: Received | null, now: number): number | null {
  if (!received || received.message.dataAgeMs === null) return null
  return received.message.dataAgeMs + now - received.at
}

/** @param hasFigures whether a snap has ever come: else there is nothing that could be old */
export function freshnessOf(
  link: Link,
  received: Received | null,
  hasFigures: boolean,
  now: number,
): Freshness {
  if (link === 'disconnected') return 'disconnected'
  if (!received) return 'connecting'
  // Whoever is told anything before figures is told that there are none.
  if (!hasFigures) return 'unknown'
  const age = ageOf(received, now)
  return age === null || age > STALE_MS ? 'stale' : 'live'
}
