import { z } from 'zod'
import { NAME_PATTERN } from '../../shared/core/lane.ts'
import { isUuid } from '../../shared/core/uuid.ts'
import { MAX_PARENTS, onParentFailure } from '../dependency-fields.ts'
import { fitsExecutor } from '../fits.ts'
import {
  body,
  idempotencyKey,
  instant,
  LIMITS,
  placeFault,
  requiredText,
  submitInput,
  wholeNumber,
} from '../schemas.ts'
import { readWorkflowCursor } from './cursor.ts'

/** What callers may send about workflows, written once for REST and tRPC. Every message names its field. */

export const WORKFLOW_LIMITS = {
  tasks: 1000,
  key: 100,
  page: 200,
} as const

const BAD_TASKS = `tasks must be an array of 1 to ${WORKFLOW_LIMITS.tasks} tasks`
const BAD_PARENTS = `depends_on must be an array of at most ${MAX_PARENTS} keys of tasks here, or ids of others`
const NO_KEY = 'idempotency_key is for the whole workflow, not for a task of it'

const item = body({
  ...submitInput.shape,
  key: requiredText('key', WORKFLOW_LIMITS.key, 'key is required').regex(
    NAME_PATTERN,
    'key must begin with a letter or digit and have only letters, digits and _ . : = -',
  ),
  depends_on: z.array(z.string(BAD_PARENTS), BAD_PARENTS).max(MAX_PARENTS, BAD_PARENTS).nullish(),
  on_parent_failure: onParentFailure.nullish(),
  scheduled_at: instant.nullish(),
  idempotency_key: z
    .custom<null | undefined>((given) => given === undefined || given === null, NO_KEY)
    .optional(),
})
  .refine(({ delay_seconds, scheduled_at }) => !delay_seconds || !scheduled_at, {
    error: 'delay_seconds and scheduled_at must not both be given',
    path: ['delay_seconds'],
  })
  .superRefine(fitsExecutor())

/** Tasks that depend on one another. What is wrong with one of them is said with its place. */
export const createWorkflowInput = body({
  name: requiredText('name', LIMITS.name, 'name must not be empty').nullish(),
  idempotency_key: idempotencyKey.nullish(),
  tasks: z.array(z.custom<z.input<typeof item>>(), BAD_TASKS),
}).transform(({ name, tasks, idempotency_key }, context) => {
  const fail = (message: string) => {
    context.issues.push({ code: 'custom', message, input: null })
    return z.NEVER
  }
  if (tasks.length < 1 || tasks.length > WORKFLOW_LIMITS.tasks) return fail(BAD_TASKS)
  const read: z.output<typeof item>[] = []
  for (const [index, task] of tasks.entries()) {
    const result = item.safeParse(task)
    if (!result.success) {
      return fail(placeFault(result.error, { whole: `tasks[${index}] `, field: `tasks[${index}].` }))
    }
    read.push(result.data)
  }
  return { name: name ?? '', idempotency_key: idempotency_key ?? null, tasks: read }
})

export const workflowIdInput = z.object({
  workflow_id: requiredText('workflow_id', 100, 'workflow_id is required').refine(
    isUuid,
    'workflow_id must be a UUID',
  ),
})

const BAD_LIMIT = `limit must be a whole number from 1 to ${WORKFLOW_LIMITS.page}`

/** In a query string the limit is text. */
export const listWorkflowsInput = z.object({
  limit: z
    .union(
      [
        z.number(),
        z
          .string()
          .regex(/^\d{1,9}$/)
          .transform(Number),
      ],
      { error: BAD_LIMIT },
    )
    .pipe(wholeNumber(1, WORKFLOW_LIMITS.page, BAD_LIMIT))
    .default(50),
  cursor: z
    .string('cursor must be a string')
    .transform((value, context) => {
      const place = readWorkflowCursor(value)
      if (place) return place
      context.issues.push({
        code: 'custom',
        message: 'cursor is not one that this server gave',
        input: value,
      })
      return z.NEVER
    })
    .optional(),
})

export type CreateWorkflowInput = z.output<typeof createWorkflowInput>
export type ListWorkflowsInput = z.output<typeof listWorkflowsInput>
