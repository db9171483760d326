import { createKeptText, type LogStream, OUTPUT_LIMITS } from '../shared/core/output.ts'
import { storableText } from '../shared/core/storable.ts'
import { partsOf } from '../shared/core/text.ts'
import type { SlotProgress, SlotSaid } from './messages.ts'

/** ms that a line may wait for others, and code units that may wait. */
const WAIT_MS = 50
const WAITING = 16_384
/** ms between two words on progress. */
const PROGRESS_MS = 500

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
export function createMouth(post: (message: SlotSaid | SlotProgress) => void): Mouth {
  const kept = createKeptText(OUTPUT_LIMITS.output)
  /** What each stream has said of a line that has not ended: it is passed on as one. */
  const partial = new Map<LogStream, string>()
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
    if (lines.length > 0) post({ now: flushedAt, lines })
    lines = []
    waiting = 0
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
    say(stream, said) {
      if (said === '' || isOver) return
      const text = storableText(said)
      kept.add(stream === 'log' ? `${text}\n` : text)
      if (isFull) return
      const [first = '', ...more] = text.split('\n')
      const ended = [(partial.get(stream) ?? '') + first, ...more]
      const rest = stream === 'log' ? '' : (ended.pop() ?? '')
      for (const line of ended)
        for (const part of partsOf(line.replace(/\r$/, ''), OUTPUT_LIMITS.line)) add(stream, part)
      // Of a line that is too long for one, what is certainly not its last part. A \r may belong to its end.
      const parts = rest.length > OUTPUT_LIMITS.line + 1 ? partsOf(rest, OUTPUT_LIMITS.line) : [rest]
      const last = parts.pop() ?? ''
      for (const part of parts) add(stream, part)
      if (last === '') partial.delete(stream)
      else partial.set(stream, last)
      if (lines.length > 0) passOn()
    },
    progress(value) {
      if (!Number.isFinite(value) || isOver) return
      progress = Math.min(1, Math.max(0, value))
      const waitMs = progressAt + PROGRESS_MS - performance.now()
      if (waitMs <= 0) sayProgress()
      else progressTimer ??= setTimeout(sayProgress, waitMs)
    },
    end() {
      for (const [stream, text] of partial)
        for (const part of partsOf(text, OUTPUT_LIMITS.line)) add(stream, part)
      partial.clear()
      flush()
      if (progress !== null) sayProgress()
      isOver = true
    },
    output: () => kept.text(),
  }
}
