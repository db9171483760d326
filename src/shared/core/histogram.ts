/**
 * How often durations of about the same length came: pairs `[bucket, count, bucket, count, …]`, buckets
 * ascending. Unlike percentiles, histograms can be added up; a percentile is taken of the sum.
 */
export type Histogram = readonly number[]

/** Buckets per doubling. A bucket's bounds lie 9 % apart, so its middle is at most 4.5 % from what it stands for. */
const PER_DOUBLING = 8
/** ms; whatever is shorter is in bucket 0. */
const SHORTEST = 0.125

/** The largest relative error of `percentile`, of durations of SHORTEST and more. */
export const MAX_ERROR = 2 ** (1 / (2 * PER_DOUBLING)) - 1

/** The bucket of a duration in ms. */
export function bucketOf(ms: number): number {
  return ms <= SHORTEST ? 0 : Math.ceil(PER_DOUBLING * Math.log2(ms / SHORTEST))
}

/** What a bucket stands for, in ms: the geometric middle of its bounds. */
export function middleOf(bucket: number): number {
  return SHORTEST * 2 ** ((bucket - 0.5) / PER_DOUBLING)
}

/** The histogram of these durations in ms, each counted so often. */
export function histogramOf(durations: Iterable<readonly [ms: number, count: number]>): Histogram {
  return mergeHistograms([...durations].map(([ms, count]) => [bucketOf(ms), count]))
}

/** As if all that these were made of had been counted in one. */
export function mergeHistograms(histograms: readonly Histogram[]): Histogram {
  const counts = new Map<number, number>()
  for (const histogram of histograms) {
    for (let at = 0; at + 1 < histogram.length; at += 2) {
      const [bucket, count] = [histogram[at]!, histogram[at + 1]!]
      counts.set(bucket, (counts.get(bucket) ?? 0) + count)
    }
  }
  return [...counts].sort(([a], [b]) => a - b).flat()
}

export function countOf(histogram: Histogram): number {
  let sum = 0
  for (let at = 1; at < histogram.length; at += 2) sum += histogram[at]!
  return sum
}

/**
 * The duration in ms that so large a part of all does not exceed (the nearest rank), within MAX_ERROR; null of
 * none.
 *
 * @param part 0 to 1, such as 0.95
 */
export function percentile(histogram: Histogram, part: number): number | null {
  const rank = Math.max(1, Math.ceil(part * countOf(histogram)))
  let seen = 0
  for (let at = 0; at + 1 < histogram.length; at += 2) {
    seen += histogram[at + 1]!
    if (seen >= rank) return middleOf(histogram[at]!)
  }
  return null
}
