import { type Histogram, histogramOf, mergeHistograms } from '../../shared/core/histogram.ts'
import type { ChangeNotice } from '../../shared/store/channel.ts'
import type { Buckets } from './messages.ts'

export interface Seconds {
  add(notice: ChangeNotice): void
  /** All that are kept, oldest first. */
  all(): Buckets[]
  /** Those that have changed since this was last asked. */
  changed(): Buckets[]
}

/** What happened in each of the last `keep` seconds, by the notices of it. */
export function createSeconds(keep: number): Seconds {
  const seconds = new Map<number, Buckets>()
  const touched = new Set<number>()
  let newest = 0

  function at(second: number): Buckets {
    const found = seconds.get(second) ?? { at: second, completed: 0, failed: 0, wait: [], run: [] }
    seconds.set(second, found)
    newest = Math.max(newest, second)
    for (const old of seconds.keys()) if (old <= newest - keep) forget(old)
    return found
  }

  function forget(second: number) {
    seconds.delete(second)
    touched.delete(second)
  }

  return {
    add(notice) {
      const field = FIELDS[notice.type]
      if (!field) return
      const second = Math.floor(notice.at / 1000)
      if (second <= newest - keep) return
      const bucket = at(second)
      touched.add(second)
      if (notice.type === 'completed' || notice.type === 'failed') bucket[notice.type] += notice.count
      bucket[field] = mergeHistograms([bucket[field], histogramOfRows(notice)])
    },
    all: () => [...seconds.values()].sort((a, b) => a.at - b.at).map(copy),
    changed() {
      const buckets = [...touched].sort((a, b) => a - b).map((second) => copy(seconds.get(second)!))
      touched.clear()
      return buckets
    },
  }
}

const copy = (bucket: Buckets): Buckets => ({ ...bucket })

/** What the ms of a notice's rows are. */
const FIELDS: Record<string, 'wait' | 'run' | undefined> = {
  assigned: 'wait',
  completed: 'run',
  failed: 'run',
}

/** Of a notice's times. Its rows stand for all that it counts: each for an equal part, in whole numbers. */
function histogramOfRows({ rows, count }: ChangeNotice): Histogram {
  const each = Math.floor(count / rows.length)
  const rest = count % rows.length
  return histogramOf(
    rows.flatMap(([, , , , ms], index) =>
      typeof ms === 'number' ? [[Math.max(0, ms), each + (index < rest ? 1 : 0)] as const] : [],
    ),
  )
}
