import type { Log } from '../../shared/log.ts'
import { rememberTurn, takeTurn } from '../../shared/store/autoscaling.ts'
import type { Sql } from '../../shared/store/connect.ts'
import { readCounts } from '../../shared/store/counts.ts'
import type { Due } from '../due.ts'
import type { Fleet } from '../fleet/port.ts'
import type { Workers } from '../workers.ts'
import { decide, type Memory, NOTHING_REMEMBERED, type Policy } from './decide.ts'

export interface AutoscalerOptions {
  sql: Sql
  log: Log
  workers: Workers
  due: Due
  fleet: Pick<Fleet, 'isScalable'>
  policy: Policy
  /** ms between two looks, whichever scheduler has them. */
  intervalMs: number
}

/** How the number of workers is kept, for those who look. */
export interface AutoscalerStatus {
  min: number
  max: number
  /** What the last look found, and when; null before the first. */
  reason: string | null
  at: Date | null
}

export interface Autoscaler {
  /** One look, unless another scheduler has just had it. */
  tick(): Promise<void>
  status(): AutoscalerStatus
}

/** What a task is taken to run for until some have ended. */
const FIRST_GUESS_MS = 1000
/** How much the latest look weighs in the mean run time. */
const WEIGHT = 0.3

/** What is kept in the database from one look to the next, by whichever scheduler had it. */
interface Kept extends Memory {
  runMs: number
  /** All-time sums at that look: what was added since is what is new. */
  ended: number
  ranMs: number
  reason: string
}

/**
 * Keeps as many workers as the queue takes. Every scheduler may have one: each look is had by one of them, whose
 * turn is a locked row, and what it remembers is in that row.
 */
export function createAutoscaler({
  sql,
  log,
  workers,
  due,
  fleet,
  policy,
  intervalMs,
}: AutoscalerOptions): Autoscaler {
  let latest: Pick<AutoscalerStatus, 'reason' | 'at'> = { reason: null, at: null }

  async function look(turn: { at: Date; kept: unknown }): Promise<void> {
    const kept = turn.kept as Kept | null
    const [live, waiting, counts] = await Promise.all([workers.list({}), due(), readCounts(sql)])
    const present = live.filter(({ draining }) => !draining)
    const ended = (counts.get('ever:completed') ?? 0) + (counts.get('ever:failed') ?? 0)
    const ranMs = counts.get('ran_ms') ?? 0
    const runMs = meanRunMs(kept, ended, ranMs)
    const decision = decide(
      {
        at: turn.at.getTime(),
        workers: present.length,
        slots: present.reduce((sum, { slots }) => sum + slots, 0),
        held: (counts.get('assigned') ?? 0) + (counts.get('running') ?? 0),
        waiting,
        runMs,
      },
      policy,
      kept ?? NOTHING_REMEMBERED,
    )
    const remembered: Kept = { ...decision.memory, runMs, ended, ranMs, reason: decision.reason }
    latest = { reason: decision.reason, at: turn.at }
    // Before it is done, so that whoever looks next does not ask for it again while it is under way.
    await rememberTurn(sql, remembered)
    if (decision.scaleTo === null) return
    log.info({ workers: decision.scaleTo, reason: decision.reason }, 'Autoscaling')
    await workers.scale({ count: decision.scaleTo }, decision.reason)
  }

  return {
    async tick() {
      // The engine, or the proxy before it, may not be there yet.
      if (!fleet.isScalable) {
        latest = { reason: 'Nothing here can start or stop workers: see FLEET', at: new Date() }
        return
      }
      const turn = await takeTurn(sql, intervalMs)
      if (turn.isMine) return await look(turn)
      const kept = turn.kept as Kept | null
      if (kept) latest = { reason: kept.reason, at: turn.at }
    },
    status: () => ({ min: policy.min, max: policy.max, ...latest }),
  }
}

function meanRunMs(kept: Kept | null, ended: number, ranMs: number): number {
  if (!kept) return ended > 0 ? ranMs / ended : FIRST_GUESS_MS
  const more = ended - kept.ended
  if (more <= 0) return kept.runMs
  const lately = Math.max(0, ranMs - kept.ranMs) / more
  return kept.runMs + WEIGHT * (lately - kept.runMs)
}
