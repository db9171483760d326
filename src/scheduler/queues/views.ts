import type { Queue } from '../../shared/store/queues.ts'

const viewRate = (limit: number | null, periodMs: number | null) =>
  limit === null || periodMs === null ? null : { limit, period_ms: periodMs }

/** A queue as callers see it; null: no such limit. */
export function viewQueue(queue: Queue) {
  return {
    name: queue.name,
    state: queue.pausedAt ? ('paused' as const) : ('active' as const),
    paused_at: queue.pausedAt?.toISOString() ?? null,
    paused_by: queue.pausedBy,
    concurrency: queue.concurrency,
    rate: viewRate(queue.rate, queue.ratePeriodMs),
    per_key: {
      concurrency: queue.keyConcurrency,
      rate: viewRate(queue.keyRate, queue.keyRatePeriodMs),
    },
    held: queue.held,
    due: queue.due,
    created_at: queue.createdAt.toISOString(),
  }
}

export type QueueView = ReturnType<typeof viewQueue>
