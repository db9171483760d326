import { taskFields } from '../shared/core/submission.ts'
import { type NewTask, newTask } from '../shared/core/task.ts'
import { type Asked, hashRequest } from '../shared/idempotency.ts'
import type { ScheduleInput, SubmitInput } from './schemas.ts'

type Input = SubmitInput | ScheduleInput

/** The task that a submission asks for, with an id of its own. */
export function taskFrom(input: Input, at: Asked['at']): NewTask {
  const fields = taskFields(input)
  const dependsOn = parentsOf(input)
  const idempotencyKey = input.idempotency_key ?? null
  const requestHash = idempotencyKey === null ? null : hashRequest({ ...fields, at, dependsOn })
  const ours = { id: Bun.randomUUIDv7(), idempotencyKey, requestHash, parents: dependsOn.length }
  if (at instanceof Date) return newTask({ ...fields, ...ours, scheduledAt: at })
  const delayMs = 1000 * (at?.delaySeconds ?? 0)
  return newTask({ ...fields, ...ours, scheduledAt: new Date(Date.now() + delayMs), delayMs })
}

export const delayOf = ({ delay_seconds: delaySeconds }: Pick<SubmitInput, 'delay_seconds'>) =>
  delaySeconds ? { delaySeconds } : null

/** The ids of the tasks that a submission depends on, in order, each once. */
export const parentsOf = ({ depends_on: given }: Pick<Input, 'depends_on'>): string[] =>
  [...new Set(given?.map((id) => id.toLowerCase()))].sort()
