import { z } from 'zod'
import { CATCH_UPS, OVERLAPS } from '../../shared/core/schedule/due.ts'
import { isUuid } from '../../shared/core/uuid.ts'
import { fitsExecutor } from '../fits.ts'
import { body, instantOf, isMissing, LIMITS, requiredText, taskShape, wholeNumber } from '../schemas.ts'
import { readScheduleCursor, readTickCursor } from './cursor.ts'

/** What callers may send about schedules, written once for REST and tRPC. Every message names its field. */

export const SCHEDULE_LIMITS = {
  cron: 200,
  timeZone: 100,
  /** ms; the shortest interval, and the longest: a hundred years. */
  everyMs: { min: 1000, max: 3_153_600_000_000 },
  windowMs: 3_153_600_000_000,
  preview: 100,
  backfill: 1000,
  page: 1000,
} as const

const oneOf = <const T extends string>(field: string, values: readonly T[]) =>
  z.enum(values as unknown as [T, ...T[]], { error: `${field} must be one of: ${values.join(', ')}` })

const everyMs = wholeNumber(
  SCHEDULE_LIMITS.everyMs.min,
  SCHEDULE_LIMITS.everyMs.max,
  `every_ms must be a whole number from ${SCHEDULE_LIMITS.everyMs.min} to ${SCHEDULE_LIMITS.everyMs.max}`,
)

const timing = {
  cron: requiredText('cron', SCHEDULE_LIMITS.cron, 'cron must not be empty').nullish(),
  time_zone: requiredText('time_zone', SCHEDULE_LIMITS.timeZone, 'time_zone must not be empty').nullish(),
  every_ms: everyMs.nullish(),
  anchor_at: instantOf('anchor_at').nullish(),
  starts_at: instantOf('starts_at').nullish(),
  ends_at: instantOf('ends_at').nullish(),
}

const TASK = 'task must be an object such as {"command": "…"}'

/** The task of each tick: what may be submitted, but for its time and its key. */
const task = z
  .object(
    {
      ...taskShape('task.command is required'),
      idempotency_key: none('task.idempotency_key'),
      depends_on: none('task.depends_on'),
      scheduled_at: none('task.scheduled_at'),
      delay_seconds: none('task.delay_seconds'),
    },
    { error: ({ input }) => (isMissing(input) ? 'task is required' : TASK) },
  )
  .superRefine(fitsExecutor('task.'))

function none(field: string) {
  const message = `${field} is not for schedules: each tick has a time and a task of its own`
  return z.custom<undefined>((given) => given === undefined || given === null, message).optional()
}

const policy = {
  catch_up: oneOf('catch_up', CATCH_UPS).nullish(),
  catch_up_window_ms: wholeNumber(
    0,
    SCHEDULE_LIMITS.windowMs,
    `catch_up_window_ms must be a whole number from 0 to ${SCHEDULE_LIMITS.windowMs}`,
  ).nullish(),
  overlap: oneOf('overlap', OVERLAPS).nullish(),
}

const name = requiredText('name', LIMITS.name, 'name is required')

export const createScheduleInput = body({
  name,
  ...timing,
  task,
  ...policy,
  paused: z.boolean('paused must be true or false').nullish(),
})

const version = wholeNumber(1, LIMITS.timeMs, 'version must be a whole number')

/** What is left out stays as it is; null sets back to the default. */
export const editScheduleInput = body({
  name: name.optional(),
  ...timing,
  task: task.optional(),
  ...policy,
  version: version.nullish(),
})

const BAD_COUNT = `count must be a whole number from 1 to ${SCHEDULE_LIMITS.preview}`

export const previewInput = body({
  ...timing,
  count: wholeNumber(1, SCHEDULE_LIMITS.preview, BAD_COUNT).default(10),
})

export const backfillInput = body({
  from: instantOf('from', 'from is required'),
  to: instantOf('to', 'to is required'),
}).refine(({ from, to }) => from <= to, 'from must not be after to')

export const scheduleIdInput = z.object({
  schedule_id: requiredText('schedule_id', 100, 'schedule_id is required').refine(
    isUuid,
    'schedule_id must be a UUID',
  ),
})

const BAD_LIMIT = `limit must be a whole number from 1 to ${SCHEDULE_LIMITS.page}`

/** In a query string it is text. */
const limit = z
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
  .pipe(wholeNumber(1, SCHEDULE_LIMITS.page, BAD_LIMIT))
  .default(100)

const cursorOf = (read: (cursor: string) => string | null) =>
  z
    .string('cursor must be a string')
    .transform((value, context): string => {
      const place = read(value)
      if (place !== null) return place
      context.issues.push({
        code: 'custom',
        message: 'cursor is not one that this server gave',
        input: value,
      })
      return z.NEVER
    })
    .optional()

export const listSchedulesInput = z.object({
  limit,
  cursor: cursorOf(readScheduleCursor),
  /** Only the one that is called so. */
  name: name.optional(),
})
export const listTicksInput = z.object({ limit, cursor: cursorOf(readTickCursor) })

export type CreateScheduleInput = z.output<typeof createScheduleInput>
export type EditScheduleInput = z.output<typeof editScheduleInput>
export type PreviewInput = z.output<typeof previewInput>
export type BackfillInput = z.output<typeof backfillInput>
export type ListSchedulesInput = z.output<typeof listSchedulesInput>
export type ListTicksInput = z.output<typeof listTicksInput>
