import type { StoredLine } from '../../shared/store/logs.ts'
import { writePosition } from './input.ts'
import type { TaskNews } from './task-logs.ts'

/** A line as callers see it. */
export function viewLine({ attempt, seq, at, stream, text }: StoredLine) {
  return { id: writePosition({ attempt, seq }), attempt, seq, at: at.toISOString(), stream, text }
}

/** What a subscription tells: lines, and how the task stands by then. */
export function viewNews({ lines, state, attempt, progress }: TaskNews) {
  return { lines: lines.map(viewLine), state, attempt, progress }
}

export type LineView = ReturnType<typeof viewLine>
export type NewsView = ReturnType<typeof viewNews>
