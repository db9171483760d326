import type { Assignment, TaskRef } from '../../shared/core/task.ts'

/** The way to one worker, whatever it speaks. Nothing here waits: what is lost is found by the lease. */
export interface WorkerLink {
  send(tasks: Assignment[]): void
  /** Stop these, running or not. */
  cancel(tasks: TaskRef[]): void
  /** Hand these back if they have not started. */
  recall(tasks: TaskRef[]): void
  close(): void
}
