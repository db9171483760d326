import type { TaskRef } from './task.ts'
import { headOf, tailOf } from './text.ts'

/** What an attempt says while it runs, and how much of that is kept. Sizes are in UTF-16 code units. */
export const OUTPUT_LIMITS = {
  /** Of the text that is kept with the task: its first and its last half. */
  output: 65_536,
  /** Of the JSON of a result. */
  result: 262_144,
  stack: 65_536,
  error: 65_536,
  /** Of one attempt's lines together, and how many they may be. */
  log: 1_048_576,
  lines: 10_000,
  /** Of one line; a longer one becomes several. */
  line: 8192,
} as const

export const LOG_STREAMS = ['stdout', 'stderr', 'log'] as const
export type LogStream = (typeof LOG_STREAMS)[number]

export interface LogLine {
  /** Rises within its attempt; numbers may be left out. */
  seq: number
  /** ms on the monotonic clock of the process that holds the line; see `Report`. */
  at: number
  stream: LogStream
  text: string
}

/** Lines of one attempt, in order. */
export interface AttemptLog extends TaskRef {
  lines: LogLine[]
}

/** How far an attempt has got, from 0 to 1. */
export interface Progress extends TaskRef {
  value: number
}

/** No mark is longer, nor are the line breaks around it. */
const MARK_ROOM = 60

/** A text of at most `limit` code units: what is longer is cut, and says how much is missing. */
export function truncate(text: string, limit: number): string {
  if (text.length <= limit) return text
  const kept = headOf(text, limit - MARK_ROOM)
  return `${kept}${truncationMark(text.length - kept.length)}`
}

export const truncationMark = (leftOut: number) => `… [truncated, ${leftOut} characters left out]`

export interface KeptText {
  add(text: string): void
  /** The text, or its beginning and its end with a mark between them; null when there is none. */
  text(): string | null
}

/** Keeps the beginning and the end of a text of any length, each of half of `limit` code units. */
export function createKeptText(limit: number): KeptText {
  const half = (limit - MARK_ROOM) >> 1
  let head = ''
  let isHeadFull = false
  let tail = ''
  let length = 0
  return {
    add(text) {
      length += text.length
      if (isHeadFull) tail += text
      else {
        const begin = headOf(text, half - head.length)
        head += begin
        isHeadFull = begin.length < text.length
        tail = text.slice(begin.length)
      }
      // Not at every call: what is cut off is as long as what stays.
      if (tail.length > limit) tail = tailOf(tail, half)
    },
    text() {
      if (length === 0) return null
      const end = tailOf(tail, half)
      const leftOut = length - head.length - end.length
      return leftOut > 0 ? `${head}\n${truncationMark(leftOut)}\n${end}` : head + end
    },
  }
}
