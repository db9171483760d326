/** The latest of what was added, as many as the limit says: for what may come twice, within a while. */
export interface Recent {
  add(name: string): void
  has(name: string): boolean
  delete(name: string): void
}

export function createRecent(limit: number): Recent {
  const names = new Set<string>()
  /** In a circle, by the order in which they were added; to ask the set for its oldest costs more. */
  const added: string[] = []
  let next = 0
  return {
    add(name) {
      if (names.has(name)) return
      const oldest = added[next]
      if (oldest !== undefined) names.delete(oldest)
      added[next] = name
      next = (next + 1) % limit
      names.add(name)
    },
    has: (name) => names.has(name),
    delete: (name) => void names.delete(name),
  }
}
