import { createHash } from 'node:crypto'
import { AppError } from './core/error.ts'
import type { TaskFields } from './core/submission.ts'
import { type Json, type NewTask, newTask } from './core/task.ts'
import type { Duplicate } from './store/tasks.ts'

/** What was asked for: the task without what we chose for it, and its time as it was asked for. */
export type Asked = TaskFields & {
  /** Null: now, whenever that is. A delay counts as a delay, not as the time it led to. */
  at: Date | { delaySeconds: number } | null
  /** Ids of the tasks that it depends on, in order, each once. */
  dependsOn?: string[]
}

const DEFAULTS = newTask({ id: '', command: '', scheduledAt: new Date(0) })

/**
 * A digest by which two requests under one idempotency key are compared. What is left at its default is not in
 * it, so that a version with more fields gives the same digest to the same request.
 */
export function hashRequest(asked: Asked): string {
  const { at, dependsOn = [], ...fields } = asked
  const given = Object.entries(fields).filter(
    ([name, value]) => !Bun.deepEquals(value, DEFAULTS[name as keyof typeof DEFAULTS]),
  )
  const time = at instanceof Date ? at.toISOString() : at
  const text = JSON.stringify(
    ordered({
      ...Object.fromEntries(given),
      ...(time !== null && { at: time }),
      ...(dependsOn.length > 0 && { dependsOn }),
    }),
  )
  return createHash('sha256').update(text).digest('base64url')
}

/** With the names of every object in order: their order means nothing, and jsonb does not keep it. */
function ordered(value: Json): Json {
  if (Array.isArray(value)) return value.map(ordered)
  if (typeof value !== 'object' || value === null) return value
  const names = Object.keys(value).sort()
  // A null prototype, because a payload may have a field named __proto__.
  const result: Record<string, Json> = Object.create(null)
  for (const name of names) result[name] = ordered(value[name] as Json)
  return result
}

/**
 * The id of the task that a submission stands for: its own, or that of the first one under the same key.
 *
 * @param holders of keys, by key, as `insertTasks` returned them
 * @throws `conflict` when the first one asked for something else
 */
export function resolveId(task: NewTask, holders: Map<string, Duplicate>): string {
  const first = task.idempotencyKey === null ? undefined : holders.get(task.idempotencyKey)
  if (!first || first.id === task.id || first.requestHash === task.requestHash) return first?.id ?? task.id
  throw new AppError('conflict', 'another request was made under the same idempotency_key')
}
