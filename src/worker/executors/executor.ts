import type { SlotSettings, SlotTask } from '../messages.ts'

export interface ExecutorContext {
  settings: SlotSettings
  /** Aborted when the task is to stop: cancelled, or out of time. What does not stop is ended with its thread. */
  signal: AbortSignal
}

/** Runs one attempt. Resolves with what it printed, or null; a rejection is the task's failure. */
export type Executor = (task: SlotTask, context: ExecutorContext) => Promise<string | null>
