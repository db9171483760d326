import { z } from 'zod'
import { isUuid } from '../shared/core/uuid.ts'
import { ACTION_STATES, type TaskAction } from '../shared/store/walk.ts'
import { readBound } from './bulk-bound.ts'
import { readCursor } from './cursor.ts'
import { BAD_CURSOR, LISTED_STATES, priorityRange, quote, unknownField } from './list-input.ts'
import { LIMITS, requiredText } from './schemas.ts'

const BAD_IDS = `ids must be an array of 1 to ${LIMITS.ids} UUIDs`
const NO_CONDITION = 'give at least one of ids, state, worker, q and priority, or {"all": true}'
const BAD_BOUND = 'bound is not one that this server gave'
const BOTH = 'give conditions or {"all": true}, not both'

const hasAny = (conditions: object) => Object.values(conditions).some((value) => value !== undefined)

/** Where a request goes on: in which state, or among the ids, from where, and of a bound how many tasks are left. */
export type BulkCursor = [from: string, rest: string, left?: number]

const place = {
  cursor: z
    .string('cursor must be a string')
    .transform((value, context): BulkCursor => {
      const [, from, rest, left] = /^([a-z]+)\.([\w-]*)(?:\.(\d{1,9}))?$/.exec(value) ?? []
      const isPlace = from === 'ids' ? /^\d{1,6}$/.test(rest ?? '') : !rest || readCursor(rest) !== null
      if (from !== undefined && rest !== undefined && isPlace) {
        return left === undefined ? [from, rest] : [from, rest, Number(left)]
      }
      context.issues.push({ code: 'custom', message: BAD_CURSOR, input: value })
      return z.NEVER
    })
    .optional(),
  /** Of a preview. */
  bound: z
    .string('bound must be a string')
    .transform((value, context) => {
      const bound = readBound(value)
      if (bound) return bound
      context.issues.push({ code: 'custom', message: BAD_BOUND, input: value })
      return z.NEVER
    })
    .optional(),
}

/** Which tasks are meant: those that meet every condition, or expressly all. */
function conditionsFor(action: TaskAction) {
  const states: readonly string[] = ACTION_STATES[action]
  const applicable = states.includes('pending') ? [...states, 'retrying'] : states
  const badState = ({ input }: { input?: unknown }) =>
    `state must be one of: ${applicable.join(', ')}; not ${quote(input)}`
  return {
    ids: z
      .array(z.string(BAD_IDS).refine(isUuid, BAD_IDS), BAD_IDS)
      .min(1, BAD_IDS)
      .max(LIMITS.ids, BAD_IDS)
      .optional(),
    state: z
      .enum(LISTED_STATES, { error: badState })
      .refine((state) => applicable.includes(state), { error: badState })
      .optional(),
    worker: requiredText('worker', LIMITS.name, 'worker must not be empty').optional(),
    q: requiredText('q', LIMITS.search, 'q must not be empty').optional(),
    priority: priorityRange.optional(),
    all: z.literal(true, 'all must be true').optional(),
  }
}

type Conditions = ReturnType<typeof conditionsFor>

const strict = <Shape extends Conditions>(shape: Shape) => {
  const unknown = unknownField('condition', Object.keys(shape))
  return z.strictObject(shape, { error: (issue) => unknown(issue) ?? 'the body must be a JSON object' })
}

type Given = Partial<Record<keyof Conditions, unknown>>
const isAny = ({ all, ids, state, worker, q, priority }: Given) =>
  Boolean(all) || hasAny({ ids, state, worker, q, priority })
const isOneWay = ({ all, ids, state, worker, q, priority }: Given) =>
  !(all && hasAny({ ids, state, worker, q, priority }))

const bulkInputFor = (action: TaskAction) =>
  strict({ ...conditionsFor(action), ...place })
    .refine(isAny, NO_CONDITION)
    .refine(isOneWay, BOTH)

const previewInputFor = (action: TaskAction) =>
  strict(conditionsFor(action)).refine(isAny, NO_CONDITION).refine(isOneWay, BOTH)

const forEach = <Schema extends z.ZodType>(make: (action: TaskAction) => Schema) =>
  ({
    cancel: make('cancel'),
    retry: make('retry'),
    'run-now': make('run-now'),
    discard: make('discard'),
  }) satisfies Record<TaskAction, Schema>

/** To which tasks something is to be done. */
export const bulkInputs = forEach(bulkInputFor)
/** To which it would be done. */
export const previewInputs = forEach(previewInputFor)

export type BulkInput = z.output<(typeof bulkInputs)[TaskAction]>
export type PreviewInput = z.output<(typeof previewInputs)[TaskAction]>
