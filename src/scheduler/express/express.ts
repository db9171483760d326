import { laneOf } from '../../shared/core/lane.ts'
import type { NewTask } from '../../shared/core/task.ts'
import { isForExpress } from './for-express.ts'
import type { Line, Outcome } from './line.ts'
import { createRefusals, type Refusals } from './refusals.ts'

export interface Express {
  /**
   * Hands a task to a coordinator, which stores it already claimed if a worker has a free slot for it. Never rejects.
   *
   * @returns `refused` when it is not stored and has to be inserted, `unknown` when it may be stored
   */
  hand(task: NewTask): Promise<Outcome>
  /** Opens streams to the coordinators that are well, and closes those to others. */
  look(): void
  stop(): void
}

/** With more on their way than this, inserting many together costs less than looking for a slot for each. */
const MAX_ON_THEIR_WAY = 16

/** The express path that is switched off. */
export const NO_EXPRESS: Express = { hand: async () => 'refused', look() {}, stop() {} }

/** @param coordinators addresses of those that are well */
export function createExpress(coordinators: () => string[], connect: (address: string) => Line): Express {
  const lines = new Map<string, { line: Line; refusals: Refusals }>()
  /** The coordinators take turns. */
  let turns = 0

  function choose(lane: string) {
    const now = performance.now()
    const open = [...lines.values()].filter(
      ({ line, refusals }) => line.isOpen && line.waiting < MAX_ON_THEIR_WAY && refusals.mayAsk(lane, now),
    )
    return open[turns++ % open.length]
  }

  return {
    async hand(task) {
      if (lines.size === 0 || !isForExpress(task, Date.now())) return 'refused'
      const lane = laneOf(task)
      const chosen = choose(lane)
      if (!chosen) return 'refused'
      const outcome = await chosen.line.hand(task)
      if (outcome === 'stored') chosen.refusals.stored(lane)
      else chosen.refusals.refused(lane, performance.now())
      return outcome
    },
    look() {
      const addresses = new Set(coordinators())
      for (const [address, { line }] of lines) {
        if (addresses.has(address)) continue
        line.close()
        lines.delete(address)
      }
      for (const address of addresses) {
        if (!lines.has(address)) lines.set(address, { line: connect(address), refusals: createRefusals() })
      }
    },
    stop() {
      for (const { line } of lines.values()) line.close()
      lines.clear()
    },
  }
}
