import type { TaskState } from '../shared/core/task.ts'
import type { Outputs, TaskView } from './wire.ts'

/** An event of the scheduler. */
export type FeedEvent = Outputs['logs']['list'][number]

/** What became of a task. */
export interface TaskUpdate {
  taskId: string
  /** `started`, `retrying`, `completed`, …; newer schedulers may have more. */
  type: string
  /** How it stands now, where the type says so. */
  state: TaskState | 'retrying' | null
  attempt: number
  worker: string | null
  at: Date
  /** ms that the attempt ran, or that the task waited; null when unknown. */
  durationMs: number | null
  message: string
}

const STATES: Record<string, TaskState | 'retrying'> = {
  scheduled: 'pending',
  assigned: 'assigned',
  started: 'running',
  retrying: 'retrying',
  reassigned: 'pending',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
}
const RANK: Record<string, number> = { scheduled: 0, assigned: 1, started: 2, retrying: 3, reassigned: 3 }

export const isEndState = (state: string | null): boolean =>
  state === 'completed' || state === 'failed' || state === 'cancelled'

/** Where in a task's life an update lies, so that none is told twice; null: it is no step of it. */
export function stepOf({ type, attempt, state }: TaskUpdate): number | null {
  if (isEndState(state)) return Number.MAX_SAFE_INTEGER
  const rank = RANK[type]
  return rank === undefined ? null : attempt * 4 + rank
}

export function updateOfEvent(event: FeedEvent, taskId: string): TaskUpdate {
  return {
    taskId,
    type: event.type,
    state: STATES[event.type] ?? null,
    attempt: event.attempt ?? 0,
    worker: event.worker,
    at: new Date(event.ts),
    durationMs: event.duration_ms,
    message: event.msg,
  }
}

/** The end of a task whose event was missed. */
export function updateOfEnd(task: TaskView): TaskUpdate {
  return {
    taskId: task.task_id,
    type: task.state,
    state: task.state,
    attempt: task.attempt,
    worker: task.worker,
    at: new Date(task.completed_at ?? task.failed_at ?? task.cancelled_at ?? task.due_at),
    durationMs: task.duration === null ? null : task.duration * 1000,
    message: `Task ${task.task_id} is ${task.state}`,
  }
}
