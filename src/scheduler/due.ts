import type { Sql } from '../shared/store/connect.ts'
import { countDue } from '../shared/store/due.ts'

/** How many tasks are due and wait for a worker, as far as DUE_LIMIT. */
export type Due = () => Promise<number>

/** So many waiting tasks are counted; with more it makes no difference. */
export const DUE_LIMIT = 100_000
/** A count is told again for so many times as long as it took, so that those who ask cost the database a tenth at most. */
const REST = 10

/** Everybody who scales by what is due, or shows it, is told this one figure. */
export function createDue(sql: Sql): Due {
  let counting: Promise<number> | null = null
  let until = 0
  return () => {
    if (counting && performance.now() < until) return counting
    const startedAt = performance.now()
    const count = countDue(sql, DUE_LIMIT)
    counting = count
    until = Number.POSITIVE_INFINITY
    count.then(
      () => {
        const now = performance.now()
        until = now + REST * (now - startedAt)
      },
      () => {
        until = 0
      },
    )
    return count
  }
}
