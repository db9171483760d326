import type { Json, TaskState } from './task.ts'

/** What a task is told of one that it waited for. */
export interface ParentOutcome {
  task_id: string
  state: TaskState
  result: Json
  output: string | null
  /** Its output was too long, or all of them were too much: then the end of it, or all of it, is missing. */
  cut?: true
}

/** By the keys of the workflow that both are of, or else by their ids. */
export type ParentOutcomes = { [name: string]: ParentOutcome }

export const PARENT_LIMITS = {
  /** Characters of an output. */
  output: 16_384,
  /** Bytes of the outcomes that are told in full: with the rest, no more than one variable of an environment holds. */
  all: 96_000,
} as const
