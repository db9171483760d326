import { DEFAULT_QUEUE } from './lane.ts'
import { DEFAULT_CANCEL_GRACE_MS, type Json, type NewTask, type ParentFailure, PRIORITIES } from './task.ts'

/** Characters of a submission's texts, at most. */
export const TEXT_LIMITS = { command: 65_536, name: 255, description: 10_000, idempotencyKey: 255 } as const

export const BAD_PRIORITY = `priority must be ${Object.keys(PRIORITIES).join(', ')} or a whole number from -32768 to 32767`

type Given<T> = T | null | undefined

/** A task in the words of the interfaces, checked: what a submission and a schedule say of it. */
export interface Submission {
  command: string
  name?: Given<string>
  description?: Given<string>
  priority?: Given<number>
  executor?: Given<string>
  payload?: Given<Json>
  max_retries?: Given<number>
  retry_backoff_ms?: Given<number>
  retry_backoff_cap_ms?: Given<number>
  timeout_ms?: Given<number>
  cancel_grace_ms?: Given<number>
  queue?: Given<string>
  labels?: Given<string[]>
  concurrency_key?: Given<string>
  on_parent_failure?: Given<ParentFailure>
}

/** What a task is, but for which one it is and when. */
export type TaskFields = Omit<
  NewTask,
  | 'id'
  | 'parents'
  | 'hasDependents'
  | 'workflowId'
  | 'workflowKey'
  | 'idempotencyKey'
  | 'requestHash'
  | 'scheduledAt'
  | 'delayMs'
  | 'scheduleId'
  | 'tickAt'
>

/** What is left out is at its default. */
export function taskFields(input: Submission): TaskFields {
  return {
    command: input.command,
    name: input.name ?? '',
    description: input.description ?? '',
    executor: input.executor ?? 'simulate',
    payload: input.payload ?? null,
    priority: input.priority ?? 0,
    maxRetries: input.max_retries ?? 0,
    retryBackoffMs: input.retry_backoff_ms ?? null,
    retryBackoffCapMs: input.retry_backoff_cap_ms ?? null,
    timeoutMs: input.timeout_ms ?? null,
    cancelGraceMs: input.cancel_grace_ms ?? DEFAULT_CANCEL_GRACE_MS,
    queue: input.queue ?? DEFAULT_QUEUE,
    labels: [...new Set(input.labels)].sort(),
    concurrencyKey: input.concurrency_key ?? null,
    onParentFailure: input.on_parent_failure ?? 'fail',
  }
}
