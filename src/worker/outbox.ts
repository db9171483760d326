import type { AttemptLog, LogLine, Progress } from '../shared/core/output.ts'
import type { TaskRef } from '../shared/core/task.ts'

/** What one message takes, at most, in lines and in code units. */
const MESSAGE = { lines: 1000, size: 262_144 }
/** Code units that may be unacknowledged in all. What comes beyond is left out, and said to be. */
const MAX_SIZE = 16 * 1024 * 1024

export interface Outbox {
  say(attempt: TaskRef, lines: LogLine[]): void
  progress(progress: Progress): void
  /** What the next message says: something of every attempt, whoever says the most. */
  take(): { logs: AttemptLog[]; progress: Progress[] }
  /** These are acknowledged, or nobody's any more. */
  forget(said: { logs: AttemptLog[]; progress: Progress[] }): void
  /** These were taken and never acknowledged, in their order. */
  putBack(said: { logs: AttemptLog[]; progress: Progress[] }[]): void
  revoke(isOurs: (attempt: TaskRef) => boolean): void
  hasLinesOf(attempt: TaskRef): boolean
  readonly hasLines: boolean
  readonly isEmpty: boolean
}

interface Waiting extends AttemptLog {
  /** Lines that found no room. From the first of them on none is taken: what is missing is missing in one place. */
  leftOut: { first: LogLine; count: number } | null
}

const key = ({ taskId, attempt }: TaskRef) => `${taskId}#${attempt}`
const sizeOf = (lines: LogLine[]) => lines.reduce((sum, { text }) => sum + text.length + 50, 0)

/** What attempts said and nobody has yet taken: bounded, whatever they say and however long nobody listens. */
export function createOutbox(maxSize = MAX_SIZE): Outbox {
  const logs = new Map<string, Waiting>()
  const progress = new Map<string, Progress>()
  /** Of what waits, and of what is on its way. */
  let size = 0

  function add(attempt: TaskRef, lines: LogLine[]): Waiting {
    const { taskId, attempt: number } = attempt
    const log = logs.get(key(attempt)) ?? { taskId, attempt: number, lines: [], leftOut: null }
    logs.set(key(attempt), log)
    for (const line of lines) {
      if (log.leftOut) log.leftOut.count++
      else if (size > maxSize) log.leftOut = { first: line, count: 1 }
      else {
        log.lines.push(line)
        size += sizeOf([line])
      }
    }
    return log
  }

  function takeSome(log: Waiting, most: typeof MESSAGE): AttemptLog {
    let count = 0
    for (let left = most.size; count < log.lines.length && count < most.lines && left > 0; count++) {
      left -= (log.lines[count] as LogLine).text.length
    }
    const lines = log.lines.splice(0, count)
    if (log.lines.length === 0) {
      logs.delete(key(log))
      if (log.leftOut) {
        const { first, count } = log.leftOut
        const text = `… [truncated, ${count} lines could not be passed on]`
        lines.push({ ...first, stream: 'log', text })
        size += sizeOf(lines.slice(-1))
      }
    }
    return { taskId: log.taskId, attempt: log.attempt, lines }
  }

  return {
    say: (attempt, lines) => void add(attempt, lines),
    progress: (one) => void progress.set(key(one), one),
    take() {
      const share = {
        lines: Math.ceil(MESSAGE.lines / logs.size),
        size: Math.ceil(MESSAGE.size / logs.size),
      }
      const taken = {
        logs: [...logs.values()].map((log) => takeSome(log, share)),
        progress: [...progress.values()],
      }
      progress.clear()
      return taken
    },
    forget(said) {
      for (const { lines } of said.logs) size -= sizeOf(lines)
    },
    putBack(said) {
      for (const { logs: back, progress: old } of said.toReversed()) {
        for (const log of back) {
          const { taskId, attempt } = log
          const waiting = logs.get(key(log)) ?? { taskId, attempt, lines: [], leftOut: null }
          waiting.lines.unshift(...log.lines)
          logs.set(key(log), waiting)
        }
        for (const one of old) if (!progress.has(key(one))) progress.set(key(one), one)
      }
    },
    revoke(isOurs) {
      for (const [attempt, log] of logs) {
        if (isOurs(log)) continue
        size -= sizeOf(log.lines)
        logs.delete(attempt)
      }
      for (const [attempt, one] of progress) if (!isOurs(one)) progress.delete(attempt)
    },
    hasLinesOf: (attempt) => logs.has(key(attempt)),
    get hasLines() {
      return logs.size > 0
    },
    get isEmpty() {
      return logs.size === 0 && progress.size === 0
    },
  }
}
