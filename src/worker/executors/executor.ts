import type { LogStream } from '../../shared/core/output.ts'
import type { Json } from '../../shared/core/task.ts'
import type { SlotSettings, SlotTask } from '../messages.ts'

export interface ExecutorContext {
  settings: SlotSettings
  /** Aborted when the task is to stop: cancelled, or out of time. What does not stop is ended with its thread. */
  signal: AbortSignal
  /** Passes on what the task says; any amount, of which the beginning and the end are kept. */
  say(stream: LogStream, text: string): void
  /** How far it has got, from 0 to 1. */
  progress(value: number): void
  /** The process group that is to be killed with this task, or null when there is none any more. */
  setGroup(group: number | null): void
}

/** Runs one attempt. Resolves with its result, if it has one; a rejection is the task's failure. */
export type Executor = (task: SlotTask, context: ExecutorContext) => Promise<Json | undefined>

/** A failure that its message says all about; where it was thrown is no matter of the task's. */
export class Failure extends Error {
  constructor(
    message: string,
    /** It would fail again. */
    readonly isFinal = false,
    /** Where it was thrown, when that is a matter of the task's after all. */
    readonly trace: string | null = null,
  ) {
    super(message)
  }
}
