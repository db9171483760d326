import { mergeHistograms, percentile } from '../../../src/shared/core/histogram.ts'
import type { Buckets } from '../api.ts'

/** x values (epoch s) and one array for each line, as charts take them. */
export type Series = [number[], ...(number | null)[][]]

/** Completed and failed per second, a value for every second from `begin` to `end` (epoch s). */
export function throughputOf(buckets: Buckets[], begin: number, end: number): Series {
  const known = new Map(buckets.map((bucket) => [bucket.at, bucket]))
  const at: number[] = []
  const completed: number[] = []
  const failed: number[] = []
  for (let second = begin; second <= end; second++) {
    at.push(second)
    completed.push(known.get(second)?.completed ?? 0)
    failed.push(known.get(second)?.failed ?? 0)
  }
  return [at, completed, failed]
}

/** p50, p95 and p99 in ms, of all that fell into each stretch of `step` seconds; null where nothing did. */
export function percentilesOf(
  buckets: Buckets[],
  kind: 'wait' | 'run',
  begin: number,
  end: number,
  step: number,
): Series {
  const at: number[] = []
  const lines: (number | null)[][] = [[], [], []]
  for (let from = begin - (begin % step); from <= end; from += step) {
    const histogram = mergeHistograms(
      buckets.filter(({ at }) => at >= from && at < from + step).map((bucket) => bucket[kind]),
    )
    at.push(from + step / 2)
    for (const [index, part] of [0.5, 0.95, 0.99].entries()) lines[index]!.push(percentile(histogram, part))
  }
  return [at, ...lines]
}
