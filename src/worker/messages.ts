import type { Json } from '../shared/core/task.ts'

/** What the pool tells a slot's thread: run this, or stop what you run. */
export type SlotOrder = { settings: SlotSettings } | { task: SlotTask } | { stop: true }

export interface SlotTask {
  taskId: string
  attempt: number
  command: string
  executor: string
  payload: Json | null
}

/** What a slot's thread answers: it is ready, or how its task ended. */
export type SlotMessage = { ready: true } | SlotOutcome

export interface SlotOutcome {
  ok: boolean
  output: string | null
  error: string | null
}

/** What a slot's thread is started with. */
export interface SlotSettings {
  /** ms that `simulate` takes when the task does not say. */
  processTimeMs: number
  /** File to which `simulate` appends a line at each start and end, for those who check us from outside. */
  historyFile: string | null
}
