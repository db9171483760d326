export interface RecentSet {
  add(key: string): void
  /** Whether the key was there; it no longer is. */
  take(key: string): boolean
}

/** A set that forgets its oldest keys beyond `capacity`. */
export function createRecentSet(capacity: number): RecentSet {
  const keys = new Set<string>()
  return {
    add(key) {
      keys.add(key)
      if (keys.size <= capacity) return
      for (const oldest of keys) {
        keys.delete(oldest)
        break
      }
    },
    take: (key) => keys.delete(key),
  }
}
