import { type Capabilities, capabilityKey } from '../shared/core/lane.ts'
import type { NewTask } from '../shared/core/task.ts'
import type { Sql } from '../shared/store/connect.ts'
import { type ClaimedTask, claimTasks, lookAhead } from '../shared/store/dispatch.ts'
import { type ExpressTask, storeClaimed } from '../shared/store/express.ts'
import { claimGoverned, hasGoverned, msUntilGoverned } from '../shared/store/governed.ts'
import { isGoverned } from '../shared/store/queues.ts'
import type { Transactions } from '../shared/store/transactions.ts'
import { createPlaces } from './places.ts'

/** Of so many places one goes first to what has aged. */
const AGED_EVERY = 10

export interface Claims {
  /**
   * Claims for workers that run the same, one task for each worker id. Of one priority what no other kind of workers with free
   * slots runs goes first.
   *
   * @param others those kinds, by `capabilityKey`
   */
  claim(workerIds: number[], can: Capabilities, others?: string[]): Promise<ClaimedTask[]>
  /**
   * Stores tasks that are due now, each already claimed for a worker that runs it, unless others wait before it, or limits
   * concern it: see `storeClaimed`.
   *
   * @returns those that were stored
   */
  express(placed: { task: NewTask; workerId: number; can: Capabilities }[]): Promise<ExpressTask[]>
  /** ms until something may be due for such workers, or null. */
  msUntilNextDue(can: Capabilities): Promise<number | null>
  /** Queues may have limits that they had not, or keys wait. */
  govern(): void
  /** Looks whether there are any at all. */
  look(): Promise<void>
  /** Something has been due for so many ms, of which this coordinator may not know. */
  dueSince(ms: number): void
  /** From now on all that is due is looked at, wherever the claims had got to. */
  lookEverywhere(): void
}

/**
 * Which claim is made: the single statement as long as no queue has limits and no task a key, which this coordinator
 * is told of, or else the one that looks at them. The statement itself never touches what has limits, so that a notice
 * that comes late delays and does no harm.
 */
export function createClaims(
  sql: Sql,
  transactions: Transactions,
  { ageingMs }: { ageingMs: number | null },
): Claims {
  /** Rises with every notice, so that an older look does not hide it. */
  let notices = 0
  let governed = true
  /** Places given since the last that went to what has aged. */
  let sinceAged = 0
  const places = createPlaces()

  return {
    async claim(workerIds, can, others = []) {
      const agedPlaces = ageingMs === null ? 0 : Math.floor((sinceAged + workerIds.length) / AGED_EVERY)
      const from = places.for(capabilityKey(can))
      const order = { ageingMs, agedPlaces, others, places: from }
      const tasks =
        governed && (await hasGoverned(sql, can))
          ? await claimGoverned(transactions, workerIds, can, order)
          : await claimTasks(sql, workerIds, can, order)
      sinceAged = (sinceAged + tasks.length) % AGED_EVERY
      places.claimed(from, tasks)
      return tasks
    },
    express(placed) {
      const tasks = placed.map(({ task, workerId, can }) => {
        return { task, workerId, others: places.for(capabilityKey(can)).others }
      })
      return storeClaimed(sql, tasks, places.for('').of)
    },
    async msUntilNextDue(can) {
      const from = places.for(capabilityKey(can))
      const { ms: next, at } = await lookAhead(sql, can, from)
      if (next === null || next > 0) places.nothingDue(from, at)
      const nextGoverned = governed ? await msUntilGoverned(sql, can) : null
      return next === null || nextGoverned === null ? (next ?? nextGoverned) : Math.min(next, nextGoverned)
    },
    govern() {
      notices++
      governed = true
      places.forget()
    },
    dueSince: places.dueSince,
    lookEverywhere: places.forget,
    async look() {
      const seen = notices
      const found = await isGoverned(sql)
      if (notices === seen) governed = found
    },
  }
}
