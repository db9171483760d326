import { z } from 'zod'
import { AppError } from '../shared/core/error.ts'
import { NAME_PATTERN } from '../shared/core/lane.ts'
import { findJsonFault, isStorable, UNSTORABLE } from '../shared/core/storable.ts'
import { BAD_PRIORITY, TEXT_LIMITS } from '../shared/core/submission.ts'
import { EXECUTORS, type Json, PRIORITIES, type PriorityName } from '../shared/core/task.ts'
import { isUuid } from '../shared/core/uuid.ts'
import { MAX_WORKERS } from '../shared/fleet.ts'
import { dependencyFields, noDependencies } from './dependency-fields.ts'
import { fitsExecutor } from './fits.ts'
import { parseInstant } from './instant.ts'

/** What callers may send, written once for REST and tRPC. Every message names its field. */

export const LIMITS = {
  ...TEXT_LIMITS,
  search: 500,
  payloadBytes: 262_144,
  payloadDepth: 32,
  page: 1000,
  batch: 1000,
  /** Different tasks in one request. */
  many: 10_000,
  /** Characters of command and payload, times count. */
  batchSize: 16_777_216,
  /** A hundred years. */
  delaySeconds: 3_153_600_000,
  workers: MAX_WORKERS,
  /** The longest that a timer can wait. */
  timeMs: 2_147_483_647,
  /** Of a queue or a label. */
  laneName: 100,
  labels: 20,
  ids: 10_000,
} as const

const REQUIRED = 'command and scheduled_at are required'
const BAD_DATE = 'Invalid date format. Use ISO 8601 format.'

export const isMissing = (input: unknown) => input === undefined || input === null || input === ''

/** Text that PostgreSQL can store. `missing` is said of a value that is not there; the default is the type. */
export const text = (field: string, max: number, missing = `${field} must be a string`) =>
  z
    .string({ error: ({ input }) => (isMissing(input) ? missing : `${field} must be a string`) })
    .max(max, `${field} must be at most ${max} characters`)
    .refine(isStorable, `${field} ${UNSTORABLE}`)

export const requiredText = (field: string, max: number, missing: string) =>
  text(field, max, missing).min(1, missing)

export const wholeNumber = (min: number, max: number, message: string) =>
  z.number({ error: message }).int(message).min(min, message).max(max, message)

const milliseconds = (field: string, min: number) =>
  wholeNumber(min, LIMITS.timeMs, `${field} must be a whole number from ${min} to ${LIMITS.timeMs}`)

/** When: ISO 8601 with Z or an offset. */
export const instant = z
  .string({ error: ({ input }) => (isMissing(input) ? REQUIRED : BAD_DATE) })
  .min(1, REQUIRED)
  .transform((value, context) => {
    const at = parseInstant(value)
    if (at) return at
    context.issues.push({ code: 'custom', message: BAD_DATE, input: value })
    return z.NEVER
  })

/** A time under a name of its own. */
export const instantOf = (field: string, missing = `${field} must be a time`) => {
  const bad = `${field} must be a time such as 2030-01-01T09:00:00Z`
  return z
    .string({ error: ({ input }) => (isMissing(input) ? missing : bad) })
    .transform((value, context) => {
      const at = parseInstant(value)
      if (at) return at
      context.issues.push({ code: 'custom', message: bad, input: value })
      return z.NEVER
    })
}

const priority = z.union(
  [
    wholeNumber(-32_768, 32_767, BAD_PRIORITY),
    z
      .string()
      .transform((name) => name.toUpperCase())
      .refine((name): name is PriorityName => Object.hasOwn(PRIORITIES, name), BAD_PRIORITY)
      .transform((name) => PRIORITIES[name]),
  ],
  { error: BAD_PRIORITY },
)

const payload = z.custom<Json>().superRefine((value, context) => {
  const fault = findJsonFault(value, LIMITS.payloadDepth)
  if (fault) context.addIssue({ code: 'custom', message: `payload ${fault}` })
  else if (JSON.stringify(value).length > LIMITS.payloadBytes) {
    context.addIssue({ code: 'custom', message: `payload must be at most ${LIMITS.payloadBytes} characters` })
  }
})

/** A name of which lanes are made. */
const laneName = (field: string) =>
  requiredText(field, LIMITS.laneName, `${field} must not be empty`).regex(
    NAME_PATTERN,
    `${field} must begin with a letter or digit and have only letters, digits and _ . : = -`,
  )

export const queueName = laneName

const BAD_LABELS = `labels must be an array of at most ${LIMITS.labels} names`
const labels = z.array(laneName('labels'), BAD_LABELS).max(LIMITS.labels, BAD_LABELS)

const optionalFields = {
  name: text('name', LIMITS.name).nullish(),
  description: text('description', LIMITS.description).nullish(),
  priority: priority.nullish(),
  executor: z.enum(EXECUTORS, { error: `executor must be one of: ${EXECUTORS.join(', ')}` }).nullish(),
  payload: payload.nullish(),
  max_retries: wholeNumber(0, 32_767, 'max_retries must be a whole number from 0 to 32767').nullish(),
  retry_backoff_ms: milliseconds('retry_backoff_ms', 0).nullish(),
  retry_backoff_cap_ms: milliseconds('retry_backoff_cap_ms', 0).nullish(),
  timeout_ms: milliseconds('timeout_ms', 1).nullish(),
  cancel_grace_ms: milliseconds('cancel_grace_ms', 0).nullish(),
  queue: queueName('queue').nullish(),
  concurrency_key: requiredText(
    'concurrency_key',
    LIMITS.name,
    'concurrency_key must not be empty',
  ).nullish(),
  labels: labels.nullish(),
}

/** What a task is, but for its time and its key. */
export const taskShape = (missing: string) => ({
  command: requiredText('command', LIMITS.command, missing),
  ...optionalFields,
})

export const idempotencyKey = requiredText(
  'idempotency_key',
  LIMITS.idempotencyKey,
  'idempotency_key must not be empty',
)

export const body = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.object(shape, { error: 'the body must be a JSON object' })

/** A task for a time. */
export const scheduleInput = body({
  command: requiredText('command', LIMITS.command, REQUIRED),
  scheduled_at: instant,
  ...optionalFields,
  ...dependencyFields,
  idempotency_key: idempotencyKey.nullish(),
}).superRefine(fitsExecutor())

const BAD_DELAY = `delay_seconds must be a number from 0 to ${LIMITS.delaySeconds}`
const delay = z.number(BAD_DELAY).min(0, BAD_DELAY).max(LIMITS.delaySeconds, BAD_DELAY)

/** A task for now, or for a delay from now. */
export const submitInput = body({
  command: requiredText('command', LIMITS.command, 'command is required'),
  delay_seconds: delay.nullish(),
  ...optionalFields,
  ...dependencyFields,
  idempotency_key: idempotencyKey.nullish(),
}).superRefine(fitsExecutor())

export const NO_BATCH_KEY =
  'idempotency_key is not for batches; submit the tasks one by one, each with its own'

const BAD_COUNT = `count must be between 1 and ${LIMITS.batch}`

/** Many alike tasks, a delay from now. */
export const batchInput = body({
  command: requiredText('command', LIMITS.command, 'command must not be empty').default('demo-job'),
  count: wholeNumber(1, LIMITS.batch, BAD_COUNT).default(10),
  delay_seconds: delay.default(0),
  ...optionalFields,
  ...noDependencies,
  idempotency_key: z
    .custom<null | undefined>((given) => given === undefined || given === null, NO_BATCH_KEY)
    .optional(),
})
  .refine(
    (batch) =>
      batch.count * (batch.command.length + JSON.stringify(batch.payload ?? '').length) <= LIMITS.batchSize,
    `count times the size of command and payload must be at most ${LIMITS.batchSize} characters`,
  )
  .superRefine(fitsExecutor())

/** What stands before a fault of one of many: with itself, as a whole, and with one of its fields. */
export interface Place {
  itself: string
  whole: string
  field: string
}

/** The first fault of one of many, with its place and field. */
export function placeFault({ issues: [issue] }: z.ZodError, place: Pick<Place, 'whole' | 'field'>): string {
  const [field] = issue?.path ?? []
  if (typeof field !== 'string') return `${place.whole}must be an object`
  const message = issue?.message ?? ''
  return place.field + (message.startsWith(field) ? message : `${field}: ${message}`)
}

export const taskIdInput = z.object({
  task_id: requiredText('task_id', 100, 'Task ID is required').refine(isUuid, 'task_id must be a UUID'),
})

export const workersInput = z.object({
  include: z.enum(['offline'], { error: 'include must be: offline' }).optional(),
})

const BAD_SCALE = `count must be between 1 and ${LIMITS.workers}`

export const scaleInput = body({ count: wholeNumber(1, LIMITS.workers, BAD_SCALE) })

export const killInput = body({
  name: z
    .union([z.string(), z.number().transform(String)], {
      error: ({ input }) => (isMissing(input) ? 'name is required' : 'name must be a string'),
    })
    .pipe(
      z
        .string()
        .min(1, 'name is required')
        .max(LIMITS.name, 'invalid worker name')
        .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, 'invalid worker name'),
    ),
})

/** What a WebSocket client may say. An empty `subscribe` asks for everything again. */
export const socketInput = z.object(
  {
    subscribe: z.object(
      {
        task_id: z.string('task_id must be a UUID').refine(isUuid, 'task_id must be a UUID').optional(),
      },
      { error: 'subscribe must be an object such as {"task_id": "…"}' },
    ),
  },
  { error: 'a message must be {"subscribe": {"task_id": "…"}}' },
)

export type ScheduleInput = z.output<typeof scheduleInput>
export type SubmitInput = z.output<typeof submitInput>
export type BatchInput = z.output<typeof batchInput>

/**
 * The value as the schema reads it.
 *
 * @throws `invalid` with the first thing that is wrong
 */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new AppError('invalid', messageOf(result.error))
}

/** The same, for a schema that takes its time. */
export async function parseAsync<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): Promise<z.output<Schema>> {
  const result = await schema.safeParseAsync(value)
  if (result.success) return result.data
  throw new AppError('invalid', messageOf(result.error))
}

/** The first fault of a validation, with its field. */
export function messageOf(error: z.ZodError): string {
  return error.issues[0]?.message ?? 'invalid input'
}
