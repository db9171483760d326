import type { TaskRow } from '../api.ts'
import { OUTCOMES, type Ring } from './ring.ts'

type Standing = Pick<TaskRow, 'state' | 'attempt' | 'worker_id' | 'slot'> & {
  /** Epoch ms, or null. */
  startedAt: number | null
  endedAt: number | null
}

const ENDED = new Set<TaskRow['state']>(['completed', 'failed', 'cancelled'])

/** How a task stands now: as it was listed, or further when the lanes know more. */
export function standingOf(row: TaskRow, ring: Ring): Standing {
  const listed: Standing = {
    state: row.state,
    attempt: row.attempt,
    worker_id: row.worker_id,
    slot: row.slot,
    startedAt: toMs(row.started_at),
    endedAt: toMs(row.completed_at ?? row.failed_at ?? row.cancelled_at),
  }
  if (ENDED.has(row.state)) return listed
  let latest = ring.find(row.id, row.attempt)
  for (let attempt = row.attempt + 1; ; attempt++) {
    const later = ring.find(row.id, attempt)
    if (later === undefined) break
    latest = later
  }
  if (latest === undefined) return listed
  const outcome = OUTCOMES[ring.outcome[latest]!]!
  const startedAt = orNull(ring.started[latest]!)
  const state =
    outcome === 'none'
      ? startedAt === null
        ? 'assigned'
        : 'running'
      : outcome === 'lost' || outcome === 'returned'
        ? 'pending'
        : outcome
  return {
    // A failed attempt may be retried: only the list knows.
    state: state === 'failed' && row.max_retries > row.failures ? row.state : state,
    attempt: ring.attempt[latest]!,
    worker_id: ring.workerId[latest]!,
    slot: ring.slot[latest]! < 0 ? null : ring.slot[latest]!,
    startedAt,
    endedAt: orNull(ring.ended[latest]!),
  }
}

const toMs = (time: string | null) => (time === null ? null : Date.parse(time))
const orNull = (value: number) => (Number.isNaN(value) ? null : value)
