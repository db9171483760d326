import { z } from 'zod'
import { ACTION_STATES, type TaskAction } from '../shared/store/walk.ts'
import { readCursor } from './cursor.ts'
import { BAD_CURSOR, LISTED_STATES, priorityRange, quote, unknownField } from './list-input.ts'
import { LIMITS, requiredText } from './schemas.ts'
import { isUuid } from './uuid.ts'

const BAD_IDS = `ids must be an array of 1 to ${LIMITS.ids} UUIDs`
const NO_CONDITION = 'give at least one of ids, state, worker, q and priority, or {"all": true}'
const BOTH = 'give conditions or {"all": true}, not both'

const hasAny = (conditions: object) => Object.values(conditions).some((value) => value !== undefined)

/** To which tasks something is to be done: those that meet every condition, or expressly all. */
function bulkInputFor(action: TaskAction) {
  const states: readonly string[] = ACTION_STATES[action]
  const applicable = states.includes('pending') ? [...states, 'retrying'] : states
  const badState = ({ input }: { input?: unknown }) =>
    `state must be one of: ${applicable.join(', ')}; not ${quote(input)}`
  const shape = {
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
    cursor: z
      .string('cursor must be a string')
      .transform((value, context): [from: string, rest: string] => {
        const [, from, rest] = /^([a-z]+)\.([\w-]*)$/.exec(value) ?? []
        const isPlace = from === 'ids' ? /^\d{1,6}$/.test(rest ?? '') : !rest || readCursor(rest) !== null
        if (from !== undefined && rest !== undefined && isPlace) return [from, rest]
        context.issues.push({ code: 'custom', message: BAD_CURSOR, input: value })
        return z.NEVER
      })
      .optional(),
  }
  const unknown = unknownField('condition', Object.keys(shape))
  return z
    .strictObject(shape, { error: (issue) => unknown(issue) ?? 'the body must be a JSON object' })
    .refine(({ all, cursor: _, ...conditions }) => all || hasAny(conditions), NO_CONDITION)
    .refine(({ all, cursor: _, ...conditions }) => !(all && hasAny(conditions)), BOTH)
}

export const bulkInputs = {
  cancel: bulkInputFor('cancel'),
  retry: bulkInputFor('retry'),
  'run-now': bulkInputFor('run-now'),
  discard: bulkInputFor('discard'),
} satisfies Record<TaskAction, z.ZodType>

export type BulkInput = z.output<(typeof bulkInputs)[TaskAction]>
