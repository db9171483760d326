import type { Judgement } from './judge.ts'
import type { ComponentHealth } from './view.ts'

export interface Standing {
  /** What was judged, with since when it is so. */
  of(key: string, judgement: Judgement): ComponentHealth
  /** Of these alone is anything remembered. */
  keep(keys: Set<string>): void
}

/** Remembers since when each part has been in its state. */
export function createStanding(now: () => number = Date.now): Standing {
  const known = new Map<string, { state: string; since: string }>()
  return {
    of(key, { state, message, code }) {
      let before = known.get(key)
      if (before?.state !== state) {
        before = { state, since: new Date(now()).toISOString() }
        known.set(key, before)
      }
      return { state, message, code, since: before.since }
    },
    keep(keys) {
      for (const key of known.keys()) if (!keys.has(key)) known.delete(key)
    },
  }
}
