import type { Span } from '../../shared/store/spans.ts'
import type { Delta } from './messages.ts'

/** A delta, with which of its attempts no message before it told of. */
export interface Step {
  delta: Delta
  born: ReadonlySet<string>
}

export interface Limits {
  /** Attempts that are over, and that the client was never told of, in one message. */
  spans: number
  log: number
}

export const keyOf = ({ taskId, attempt }: Pick<Span, 'taskId' | 'attempt'>) => `${taskId}#${attempt}`

/**
 * One delta in place of several that follow each other, for a client that knows all that came before them. The
 * latest of each attempt wins and keeps its start and end, so that one that lasted a millisecond is not lost.
 * What is left out is counted: never an attempt that still goes on, and never the end of one that the client
 * may know.
 */
export function coalesce(steps: readonly [Step, ...Step[]], limits: Limits): Step {
  const last = steps.at(-1)!.delta
  const spans = new Map<string, Span>()
  const born = new Set<string>()
  for (const step of steps) {
    for (const key of step.born) born.add(key)
    for (const span of step.delta.spans) {
      const key = keyOf(span)
      if (!spans.get(key)?.endedAt) spans.set(key, span)
    }
  }
  const log = steps.flatMap(({ delta }) => delta.log)
  let dropped =
    steps.reduce((sum, { delta }) => sum + delta.dropped, 0) + Math.max(0, log.length - limits.log)

  const isOver = (key: string, span: Span) => span.endedAt !== null && born.has(key)
  let spare = -limits.spans
  for (const [key, span] of spans) if (isOver(key, span)) spare++
  for (const [key, span] of spans) {
    if (spare <= 0) break
    if (!isOver(key, span)) continue
    spans.delete(key)
    spare--
    dropped++
  }

  return {
    born,
    delta: {
      ...last,
      workers: latest(
        steps,
        (delta) => delta.workers,
        ({ id }) => id,
      ),
      spans: [...spans.values()].sort((a, b) => a.attempt - b.attempt),
      buckets: latest(
        steps,
        (delta) => delta.buckets,
        ({ at }) => at,
      ),
      log: limits.log > 0 ? log.slice(-limits.log) : [],
      dropped,
    },
  }
}

function latest<Item>(
  steps: readonly Step[],
  of: (delta: Delta) => Item[],
  key: (item: Item) => number,
): Item[] {
  const items = new Map<number, Item>()
  for (const { delta } of steps) for (const item of of(delta)) items.set(key(item), item)
  return [...items.values()]
}
