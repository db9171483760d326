import type { ClaimedTask, Places } from '../shared/store/dispatch.ts'

/**
 * How long before the last task that was claimed the next claim begins, in ms. Transactions that began then may be committed
 * later, with tasks that are due from when they began; what comes later still is found by the next scan.
 */
const MARGIN_MS = 2000
/** Levels whose places are remembered; of others all is looked at that is not claimed yet. */
const MAX_LEVELS = 50

export interface PlacesOfKind extends Places {
  kind: string
  /** How often all was forgotten before: what a statement found that began earlier says nothing of what was announced since. */
  forgotten: number
}

/** Where the claims of this coordinator have got to. Forgotten with every scan, so that nothing is passed by for ever. */
export interface PlaceKeeper {
  /** For one statement for this kind of workers; what comes of it is noted with it. */
  for(kind: string): PlacesOfKind
  /** These were claimed: in their levels, whatever was due before them was, too. */
  claimed(from: PlacesOfKind, tasks: ClaimedTask[]): void
  /** Nothing was due for this kind at that time, in epoch ms by the database's clock. */
  nothingDue(from: PlacesOfKind, at: number): void
  forget(): void
  /** Something is due that was so long ago, in ms, that it may have been passed by. */
  dueSince(ms: number): void
}

export function createPlaces(): PlaceKeeper {
  const levels = new Map<string, number>()
  const kinds = new Map<string, number>()
  let forgotten = 0

  function note(map: Map<string, number>, key: string, at: number) {
    const place = Math.max(at - MARGIN_MS, map.get(key) ?? 0)
    // The one that was noted the longest ago is first.
    map.delete(key)
    map.set(key, place)
    for (const oldest of map.keys()) {
      if (map.size <= MAX_LEVELS) break
      map.delete(oldest)
    }
  }

  const forget = () => {
    forgotten++
    levels.clear()
    kinds.clear()
  }
  return {
    for: (kind) => ({
      ...{ kind, forgotten },
      ...{ of: Object.fromEntries(levels), others: kinds.get(kind) ?? null },
    }),
    claimed(from, tasks) {
      if (from.forgotten !== forgotten) return
      for (const { level, dueMs } of tasks) note(levels, level, dueMs)
    },
    nothingDue(from, at) {
      if (from.forgotten === forgotten) note(kinds, from.kind, at)
    },
    forget,
    dueSince(ms) {
      if (ms > MARGIN_MS / 2) forget()
    },
  }
}
