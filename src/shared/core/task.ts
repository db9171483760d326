/** The vocabulary of a task and the rules its timestamps follow; sql/0001_baseline.sql holds the same rules. */

import { DEFAULT_QUEUE } from './lane.ts'
import type { ParentOutcomes } from './parents.ts'

export const TASK_STATES = ['pending', 'assigned', 'running', 'completed', 'failed', 'cancelled'] as const
export type TaskState = (typeof TASK_STATES)[number]

export const PRIORITIES = { LOW: 0, MEDIUM: 1, HIGH: 2, CRITICAL: 3 } as const
export type PriorityName = keyof typeof PRIORITIES

export const EXECUTORS = ['simulate', 'shell', 'http', 'function'] as const
export type ExecutorName = (typeof EXECUTORS)[number]

/** What becomes of a task when one that it depends on fails or is cancelled: it fails, is cancelled, or runs all the same. */
export const PARENT_FAILURES = ['fail', 'skip', 'continue'] as const
export type ParentFailure = (typeof PARENT_FAILURES)[number]

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** What a submitter gives; everything else about a task is ours. */
export interface NewTask {
  id: string
  name: string
  description: string
  command: string
  executor: string
  payload: Json | null
  priority: number
  maxRetries: number
  /** ms before the first retry, at most, doubled each time up to the cap; null: the coordinator's. */
  retryBackoffMs: number | null
  retryBackoffCapMs: number | null
  /** ms an attempt may run; null: any time. */
  timeoutMs: number | null
  /** ms from the signal to stop until the hard stop. */
  cancelGraceMs: number
  /** Submitting again under the same key gives the same task. */
  idempotencyKey: string | null
  /** Tells whether two submissions under one key ask for the same. */
  requestHash: string | null
  /** The queue whose limits it is under. */
  queue: string
  /** Labels that its worker must have. */
  labels: string[]
  /** Tasks of a queue with one key share the limits per key, and take turns with those of others; null: none. */
  concurrencyKey: string | null
  /** How many tasks it depends on. */
  parents: number
  /** Others depend on it. */
  hasDependents: boolean
  onParentFailure: ParentFailure
  workflowId: string | null
  /** Its name within its workflow. */
  workflowKey: string | null
  scheduledAt: Date
  /**
   * ms from when it is stored, by the database's clock, in place of `scheduledAt`; null: that counts. Who means
   * now, or a delay, must not say a time: our own clock may be wrong.
   */
  delayMs: number | null
  /** The schedule that it is of, and the tick; null: somebody submitted it. */
  scheduleId: string | null
  tickAt: Date | null
}

/** ms from the signal to stop until the hard stop, when the submitter does not say. */
export const DEFAULT_CANCEL_GRACE_MS = 5000

/** A task with what its submitter gave, and the defaults for the rest. */
export function newTask(given: Pick<NewTask, 'id' | 'command' | 'scheduledAt'> & Partial<NewTask>): NewTask {
  return {
    name: '',
    description: '',
    executor: 'simulate',
    payload: null,
    priority: PRIORITIES.LOW,
    maxRetries: 0,
    retryBackoffMs: null,
    retryBackoffCapMs: null,
    timeoutMs: null,
    cancelGraceMs: DEFAULT_CANCEL_GRACE_MS,
    idempotencyKey: null,
    requestHash: null,
    queue: DEFAULT_QUEUE,
    labels: [],
    concurrencyKey: null,
    parents: 0,
    hasDependents: false,
    onParentFailure: 'fail',
    workflowId: null,
    workflowKey: null,
    delayMs: null,
    scheduleId: null,
    tickAt: null,
    ...given,
  }
}

/** When what happened to a task; the state is derived from these alone. */
export interface TaskTimes {
  pickedAt: Date | null
  startedAt: Date | null
  completedAt: Date | null
  failedAt: Date | null
  cancelledAt: Date | null
}

export interface Task extends Omit<NewTask, 'delayMs' | 'hasDependents' | 'requestHash'>, TaskTimes {
  state: TaskState
  dueAt: Date
  createdAt: Date
  workerId: number | null
  workerName: string | null
  slot: number | null
  attempt: number
  /** How many of the tasks that it depends on have not ended. */
  waitsFor: number
  /** Attempts that failed. */
  failures: number
  /** Attempts that ran on a worker that was lost. */
  losses: number
  /** Its worker has been told to stop it. */
  cancelRequestedAt: Date | null
  error: string | null
  /** Where `error` was thrown, when its executor knows. */
  errorStack: string | null
  output: string | null
  result: Json | null
  /** From 0 to 1, as the attempt reports it; null when it does not. */
  progress: number | null
}

/** One attempt of one task: the pair every report carries and every update is fenced by. */
export interface TaskRef {
  taskId: string
  /** Rises with every claim; a report of a lower one changes nothing. */
  attempt: number
}

/** What a worker needs to run one attempt. */
export interface Assignment extends TaskRef {
  command: string
  executor: string
  payload: Json | null
  priority: number
  timeoutMs: number | null
  cancelGraceMs: number
  /** What it waited for; null: nothing. */
  parents?: ParentOutcomes | null
}

/** An attempt that was not the last of its task. */
export interface PastAttempt {
  attempt: number
  workerId: number
  workerName: string | null
  slot: number | null
  pickedAt: Date
  startedAt: Date | null
  endedAt: Date
  outcome: 'failed' | 'cancelled' | 'lost' | 'returned'
  error: string | null
}

export function isEnded(state: TaskState): boolean {
  return state === 'completed' || state === 'failed' || state === 'cancelled'
}

/** The state these timestamps mean: the same expression as the generated column in SQL. */
export function stateOf(times: TaskTimes): TaskState {
  if (times.cancelledAt) return 'cancelled'
  if (times.failedAt) return 'failed'
  if (times.completedAt) return 'completed'
  if (times.startedAt) return 'running'
  if (times.pickedAt) return 'assigned'
  return 'pending'
}

const NEXT: Record<TaskState, readonly TaskState[]> = {
  pending: ['assigned', 'cancelled', 'failed'], // failed: with one that it depends on
  assigned: ['running', 'completed', 'failed', 'pending', 'cancelled'],
  running: ['completed', 'failed', 'pending', 'cancelled'],
  completed: [],
  failed: ['pending'], // retried by hand
  cancelled: ['pending'], // likewise
}

/** Whether a task may go from one state to another. A report of a short task may skip `running`. */
export function canBecome(from: TaskState, to: TaskState): boolean {
  return NEXT[from].includes(to)
}

/** Seconds from start to end, or null while there is no start or no end. */
export function durationSeconds(times: TaskTimes): number | null {
  const end = times.completedAt ?? times.failedAt ?? times.cancelledAt
  if (!times.startedAt || !end) return null
  return (end.getTime() - times.startedAt.getTime()) / 1000
}
