import { AsyncLocalStorage } from 'node:async_hooks'
import type { ExecutorContext } from './executors/executor.ts'
import type { SlotTask } from './messages.ts'

/** One attempt in a slot's thread: what belongs to it, however late it comes. */
export interface Run {
  readonly task: SlotTask
  readonly number: number
  readonly context: ExecutorContext
  /** Whether messages tell of it, which its end must not overtake. */
  readonly hasSpoken: boolean
  /** Tells it to stop. */
  abort(): void
  /** Passes on what is left of what it said, and hears no more; its output. */
  close(): string | null
}

/** Whose code runs: timers, immediates and what is awaited keep the run that began them, after its task has ended, too. */
export const runs = new AsyncLocalStorage<Run>()
