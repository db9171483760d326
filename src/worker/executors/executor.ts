import type { SlotSettings, SlotTask } from '../messages.ts'

/** Runs one attempt. Resolves with what it printed, or null; a rejection is the task's failure. */
export type Executor = (task: SlotTask, settings: SlotSettings) => Promise<string | null>
