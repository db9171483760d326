import { createKeptText, type LogStream, OUTPUT_LIMITS } from '../shared/core/output.ts'
import type { SlotMessage, SlotSaid } from './messages.ts'

/** ms that a line may wait for others, and code units that may wait. */
const WAIT_MS = 50
const WAITING = 16_384
/** ms between two words on progress. */
const PROGRESS_MS = 500
/** ms after which a line that is not at its end is passed on all the same: it may be a question, or dots. */
const PARTIAL_MS = 500

export interface Mouth {
  say(stream: LogStream, text: string): void
  progress(value: number): void
  /** Passes on what waits. What is said later, by whatever the task left behind, nobody hears. */
  end(): void
  /** All that was said, or its beginning and its end; null when nothing was. */
  output(): string | null
}

/**
 * What one attempt says, on its way out of its slot's thread: in lines, gathered for a moment, and no more than
 * OUTPUT_LIMITS allow, however much it is.
 */
export function createMouth(post: (message: SlotMessage) => void): Mouth {
  const kept = createKeptText(OUTPUT_LIMITS.output)
  const partial = new Map<LogStream, { text: string; since: number }>()
  let lines: SlotSaid['lines'] = []
  let waiting = 0
  let flushedAt = Number.NEGATIVE_INFINITY
  let timer: Timer | null = null
  let seq = 0
  let size = 0
  let isFull = false
  let isOver = false
  let progress: number | null = null
  let progressAt = Number.NEGATIVE_INFINITY
  let progressTimer: Timer | null = null

  function flush() {
    if (timer) clearTimeout(timer)
    timer = null
    flushedAt = performance.now()
    for (const [stream, { text, since }] of partial) {
      if (flushedAt - since < PARTIAL_MS) continue
      partial.delete(stream)
      add(stream, text)
    }
    if (lines.length > 0) post({ now: flushedAt, lines })
    lines = []
    waiting = 0
    if (partial.size > 0) timer = setTimeout(flush, PARTIAL_MS)
  }

  function add(stream: LogStream, text: string) {
    if (isFull) return
    const at = performance.now()
    if (seq >= OUTPUT_LIMITS.lines || size + text.length > OUTPUT_LIMITS.log) {
      isFull = true
      const most = `${OUTPUT_LIMITS.lines} lines and ${OUTPUT_LIMITS.log} characters`
      lines.push({ seq: ++seq, at, stream: 'log', text: `… [truncated: more than ${most}]` })
    } else {
      lines.push({ seq: ++seq, at, stream, text })
      size += text.length + 1
      waiting += text.length
    }
  }

  function passOn() {
    // A thread that never yields says so too: no timer would ring.
    if (waiting > WAITING || performance.now() - flushedAt > WAIT_MS) flush()
    else timer ??= setTimeout(flush, WAIT_MS)
  }

  function sayProgress() {
    if (progressTimer) clearTimeout(progressTimer)
    progressTimer = null
    if (progress !== null) post({ progress })
    progress = null
    progressAt = performance.now()
  }

  return {
    say(stream, text) {
      if (text === '' || isOver) return
      kept.add(stream === 'log' ? `${text}\n` : text)
      if (isFull) return
      const before = partial.get(stream)
      const parts = ((before?.text ?? '') + text).split('\n')
      const rest = stream === 'log' ? '' : (parts.pop() ?? '')
      for (const part of parts) for (const line of folded(part.replace(/\r$/, ''))) add(stream, line)
      partial.delete(stream)
      if (rest.length > OUTPUT_LIMITS.line) for (const line of folded(rest)) add(stream, line)
      else if (rest !== '') partial.set(stream, { text: rest, since: before?.since ?? performance.now() })
      passOn()
    },
    progress(value) {
      if (!Number.isFinite(value) || isOver) return
      progress = Math.min(1, Math.max(0, value))
      const waitMs = progressAt + PROGRESS_MS - performance.now()
      if (waitMs <= 0) sayProgress()
      else progressTimer ??= setTimeout(sayProgress, waitMs)
    },
    end() {
      for (const [stream, { text }] of partial) add(stream, text)
      partial.clear()
      flush()
      if (progress !== null) sayProgress()
      isOver = true
    },
    output: () => kept.text(),
  }
}

/** A long line as several. */
function folded(line: string): string[] {
  if (line.length <= OUTPUT_LIMITS.line) return [line]
  const parts: string[] = []
  for (let at = 0; at < line.length; at += OUTPUT_LIMITS.line) {
    parts.push(line.slice(at, at + OUTPUT_LIMITS.line).toWellFormed())
  }
  return parts
}
