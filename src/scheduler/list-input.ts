import { z } from 'zod'
import { PRIORITY_RANGE_HELP, readPriorityRange } from '../shared/core/priority.ts'
import { TASK_STATES } from '../shared/core/task.ts'
import type { Sql } from '../shared/store/connect.ts'
import { isByPriority, type Position, TASK_SORTS, type TaskSort } from '../shared/store/task-order.ts'
import type { TaskFilter } from '../shared/store/tasks.ts'
import { findWorkerIds } from './callings.ts'
import { readCursor } from './cursor.ts'
import { LIMITS, text, wholeNumber } from './schemas.ts'

/** Which tasks callers may ask for, written once for REST and tRPC. What cannot be understood lists nothing. */

export const LISTED_STATES = [...TASK_STATES, 'retrying'] as const
export const BAD_CURSOR = 'cursor is not one that this server gave'

const BAD_LIMIT = `limit must be a whole number from 1 to ${LIMITS.page}`
const BAD_PRIORITY = `priority must be ${PRIORITY_RANGE_HELP}`
const OTHER_ORDER = 'cursor is of another sort'

/** Quotes what was given, as far as a message should. */
export const quote = (given: unknown): string => JSON.stringify(String(given).slice(0, 100))

/** Names what is not among the fields, because a condition that is misspelt must not be none. */
export const unknownField =
  (noun: string, known: string[]): z.core.$ZodErrorMap =>
  (issue) =>
    issue.code === 'unrecognized_keys'
      ? `there is no ${noun} ${issue.keys.map(quote).join(' or ')}; use ${known.join(', ')}`
      : undefined

/** `HIGH`, `2`, `>=HIGH` and the like. */
export const priorityRange = z
  .union([z.string(), z.number().transform(String)], { error: BAD_PRIORITY })
  .transform((value, context) => {
    const range = readPriorityRange(value)
    if (range) return range
    context.issues.push({ code: 'custom', message: `${BAD_PRIORITY}, not ${quote(value)}`, input: value })
    return z.NEVER
  })

const fields = {
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
    .pipe(wholeNumber(1, LIMITS.page, BAD_LIMIT))
    .default(LIMITS.page),
  cursor: z
    .string('cursor must be a string')
    .transform((value, context) => {
      const position = readCursor(value)
      if (position) return position
      context.issues.push({ code: 'custom', message: BAD_CURSOR, input: value })
      return z.NEVER
    })
    .optional(),
  state: z
    .enum(LISTED_STATES, {
      error: ({ input }) => `state must be one of: ${LISTED_STATES.join(', ')}; not ${quote(input)}`,
    })
    .optional(),
  worker: text('worker', LIMITS.name).optional(),
  q: text('q', LIMITS.search).optional(),
  priority: priorityRange.optional(),
  /** What an index serves. */
  sort: z.enum(TASK_SORTS, { error: `sort must be one of: ${TASK_SORTS.join(', ')}` }).default('-scheduled'),
}

const FORMATS = ['ndjson', 'csv'] as const

const { state: _, ...withoutState } = fields
const { limit: __, cursor: ___, ...whole } = fields
const exported = {
  ...whole,
  format: z.enum(FORMATS, { error: `format must be one of: ${FORMATS.join(', ')}` }).default('ndjson'),
}

const strict = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(shape, { error: unknownField('parameter', Object.keys(shape)) })

const isOfSort = ({ cursor, sort }: { cursor?: Position | undefined; sort: TaskSort }) =>
  !cursor || (cursor.priority !== undefined) === isByPriority(sort)

/** Which tasks to list. In a query string the limit is text. */
export const listInput = strict(fields).refine(isOfSort, OTHER_ORDER)
export const deadLettersInput = strict(withoutState).refine(isOfSort, OTHER_ORDER)
/** Which tasks to export, and how they are written. */
export const exportInput = strict(exported)

export type ListInput = z.output<typeof listInput>
export type ExportInput = z.output<typeof exportInput>

/** The filter that conditions ask for. */
export async function filterFrom(
  sql: Sql,
  { state, worker, q, priority }: Partial<Pick<ListInput, 'state' | 'worker' | 'q' | 'priority'>>,
): Promise<TaskFilter> {
  return {
    ...(state && { state }),
    ...(worker && { workerIds: await findWorkerIds(sql, worker) }),
    ...(q && { text: q }),
    ...(priority && { priority }),
  }
}
