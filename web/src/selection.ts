import { createSignal } from 'solid-js'

export interface Selection {
  has(id: string): boolean
  /** How many were picked one by one. */
  count(): number
  ids(): string[]
  /** Whether everything that matches is meant, seen or not. */
  isAll(): boolean
  /** Turns one; with `extend` all from the one turned before to this become as it becomes. */
  turn(id: string, extend: boolean): void
  all(): void
  clear(): void
}

/** Which rows are selected. */
export function createSelection(order: () => string[]): Selection {
  const [picked, setPicked] = createSignal<ReadonlySet<string>>(new Set())
  const [isAll, setAll] = createSignal(false)
  let anchor: string | null = null
  return {
    has: (id) => isAll() || picked().has(id),
    count: () => (isAll() ? 1 : picked().size),
    ids: () => [...picked()],
    isAll,
    turn(id, extend) {
      const next = isAll() ? new Set<string>() : new Set(picked())
      const isOn = !next.has(id)
      const ids = extend && anchor !== null ? between(order(), anchor, id) : [id]
      for (const each of ids) {
        if (isOn) next.add(each)
        else next.delete(each)
      }
      anchor = id
      setAll(false)
      setPicked(next)
    },
    all() {
      setPicked(new Set<string>())
      setAll(true)
    },
    clear() {
      anchor = null
      setAll(false)
      setPicked(new Set<string>())
    },
  }
}

/** The part of a list from one to the other, whichever comes first. */
export function between(ids: string[], one: string, other: string): string[] {
  const [a, b] = [ids.indexOf(one), ids.indexOf(other)]
  return a < 0 || b < 0 ? [other] : ids.slice(Math.min(a, b), Math.max(a, b) + 1)
}
