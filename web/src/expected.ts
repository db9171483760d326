import { mergeHistograms, percentile } from '../../src/shared/core/histogram.ts'
import type { TaskRow } from './api.ts'
import { live } from './events.ts'

const FRESH_MS = 2000

let median: number | null = null
let takenAt = 0

/** ms that a task may take: what its payload says, or what half of the recent ones took; null when nobody knows. */
export function expectedRunMs(task: Pick<TaskRow, 'payload'>): number | null {
  const given = (task.payload as { duration_ms?: unknown } | null)?.duration_ms
  if (typeof given === 'number' && given > 0) return given
  if (performance.now() - takenAt > FRESH_MS) {
    takenAt = performance.now()
    median = percentile(mergeHistograms(live.buckets.map(({ run }) => run)), 0.5)
  }
  return median
}
