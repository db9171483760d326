import { AppError } from '../core/error.ts'
import { NAME_PATTERN } from '../core/lane.ts'
import { type Json, type NewTask, newTask } from '../core/task.ts'
import { isUuid } from '../core/uuid.ts'
import type { ExpressTask__Output, ExpressTask as ExpressTaskMessage } from './gen/taskmaster/ExpressTask.ts'

/** The metadata in which a scheduler says its id in the table of services. */
export const SCHEDULER_ID = 'scheduler-id'

const NONE = -1

/** @param task with nothing that the message has no place for: see `isForExpress` */
export function taskToMessage(task: NewTask): ExpressTaskMessage {
  return {
    id: task.id,
    command: task.command,
    executor: task.executor,
    queue: task.queue,
    scheduled_at_ms: task.delayMs === null ? task.scheduledAt.getTime() : NONE,
    priority: task.priority,
    max_retries: task.maxRetries,
    retry_backoff_ms: task.retryBackoffMs ?? NONE,
    retry_backoff_cap_ms: task.retryBackoffCapMs ?? NONE,
    timeout_ms: task.timeoutMs ?? 0,
    cancel_grace_ms: task.cancelGraceMs,
    // What is empty is not sent at all.
    ...(task.name !== '' && { name: task.name }),
    ...(task.description !== '' && { description: task.description }),
    ...(task.payload !== null && { payload: JSON.stringify(task.payload) }),
    ...(task.labels.length > 0 && { labels: task.labels }),
  }
}

/** @throws `invalid` when no scheduler of ours would say this */
export function taskFromMessage(message: ExpressTask__Output): NewTask {
  const { id, executor, queue, labels, scheduled_at_ms: at } = message
  const isNamed = [executor, queue, ...labels].every((name) => NAME_PATTERN.test(name))
  if (!isUuid(id) || !isNamed || !(at >= NONE && at < 253_402_300_800_000)) {
    throw new AppError('invalid', 'this is no task')
  }
  const orNone = (value: number) => (value === NONE ? null : value)
  return newTask({
    id: id.toLowerCase(),
    name: message.name,
    description: message.description,
    command: message.command,
    executor,
    payload: message.payload === '' ? null : readJson(message.payload),
    priority: message.priority,
    maxRetries: message.max_retries,
    retryBackoffMs: orNone(message.retry_backoff_ms),
    retryBackoffCapMs: orNone(message.retry_backoff_cap_ms),
    timeoutMs: message.timeout_ms || null,
    cancelGraceMs: message.cancel_grace_ms,
    queue,
    labels,
    scheduledAt: new Date(Math.max(0, at)),
    delayMs: at === NONE ? 0 : null,
  })
}

function readJson(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    throw new AppError('invalid', 'this is no task')
  }
}
