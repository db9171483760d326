import type { TaskRef } from '../../shared/core/task.ts'
import type { ChangeNotice } from '../../shared/store/channel.ts'
import type { Span } from '../../shared/store/spans.ts'
import { keyOf } from './coalesce.ts'

export interface AttemptsOptions {
  /** Attempts that may wait to be looked up; more than that are not shown. */
  maxWaiting: number
  /** Ended attempts that are kept, and for how many ms. */
  maxEnded: number
  keepMs: number
}

export interface Changes {
  spans: Span[]
  /** Those of the spans that were not told of before. */
  born: Set<string>
  /** Attempts that were not looked up, because there were too many. */
  dropped: number
}

/** Which attempts there are, by what was read from the table. A notice only says what to read again. */
export interface Attempts {
  note(notice: ChangeNotice): void
  /** Takes attempts that should be looked up, the longest waiting first. */
  take(max: number): TaskRef[]
  /** Those that could not be looked up after all. */
  again(refs: TaskRef[]): void
  /** What was found of those taken. What was shown and is not there any more ended, nobody knows how. */
  found(refs: TaskRef[], spans: Span[], at: number): void
  /** All that is held now: what was held before and is not in it has to be looked up. */
  held(spans: Span[]): void
  /** What has changed since this was last asked. */
  changes(): Changes
  /** What goes on, and what ended a short while before `at`. */
  all(at: number): Span[]
  /** How many attempts each worker runs. */
  busy(): Map<number, number>
  /** Forgets what was shown; what ended waits to be looked up again, because it may still be recent then. */
  forget(): void
}

const TELLING = new Set(['assigned', 'running', 'completed', 'failed', 'cancelled', 'retrying', 'reassigned'])

export function createAttempts({ maxWaiting, maxEnded, keepMs }: AttemptsOptions): Attempts {
  const open = new Map<string, Span>()
  /** In the order in which their ends were found. */
  const ended = new Map<string, Span>()
  const waiting = new Map<string, TaskRef>()
  let changed = new Map<string, Span>()
  let born = new Set<string>()
  let dropped = 0

  function look(ref: TaskRef) {
    const key = keyOf(ref)
    if (ended.has(key)) return
    waiting.set(key, ref)
    if (waiting.size <= maxWaiting) return
    // What is shown as going on must not stay so for ever.
    for (const oldest of waiting.keys()) {
      if (open.has(oldest)) continue
      waiting.delete(oldest)
      dropped++
      return
    }
  }

  function put(span: Span) {
    const key = keyOf(span)
    if (ended.has(key)) return
    const before = open.get(key)
    if (before && isSame(before, span)) return
    if (!before) born.add(key)
    changed.set(key, span)
    if (span.endedAt === null) {
      open.set(key, span)
      return
    }
    open.delete(key)
    ended.set(key, span)
    if (ended.size <= maxEnded) return
    for (const oldest of ended.keys()) {
      ended.delete(oldest)
      return
    }
  }

  return {
    note({ type, rows }) {
      if (!TELLING.has(type)) return
      for (const [taskId, attempt] of rows) if (taskId !== null && attempt) look({ taskId, attempt })
    },
    take(max) {
      const refs: TaskRef[] = []
      for (const [key, ref] of waiting) {
        if (refs.length >= max) break
        waiting.delete(key)
        refs.push(ref)
      }
      return refs
    },
    again(refs) {
      for (const ref of refs) look(ref)
    },
    found(refs, spans, at) {
      const known = new Set(spans.map(keyOf))
      for (const span of spans.toSorted((a, b) => a.attempt - b.attempt)) put(span)
      for (const ref of refs) {
        const lost = open.get(keyOf(ref))
        if (lost && !known.has(keyOf(ref))) put({ ...lost, endedAt: at })
      }
    },
    held(spans) {
      const known = new Set(spans.map(keyOf))
      for (const [key, { taskId, attempt }] of open) if (!known.has(key)) look({ taskId, attempt })
      for (const span of spans) put(span)
    },
    changes() {
      const changes = { spans: [...changed.values()], born, dropped }
      changed = new Map()
      born = new Set()
      dropped = 0
      return changes
    },
    all(at) {
      for (const [key, { endedAt }] of ended) if (endedAt !== null && endedAt < at - keepMs) ended.delete(key)
      return [...open.values(), ...ended.values()].sort((a, b) => a.attempt - b.attempt)
    },
    busy() {
      const busy = new Map<number, number>()
      for (const { workerId, startedAt } of open.values()) {
        if (startedAt !== null) busy.set(workerId, (busy.get(workerId) ?? 0) + 1)
      }
      return busy
    },
    forget() {
      const refs = [...ended.values()].map(({ taskId, attempt }) => ({ taskId, attempt }))
      open.clear()
      ended.clear()
      for (const ref of refs) look(ref)
      changed.clear()
      born.clear()
      dropped = 0
    },
  }
}

const isSame = (a: Span, b: Span) =>
  a.startedAt === b.startedAt && a.endedAt === b.endedAt && a.slot === b.slot && a.workerId === b.workerId
