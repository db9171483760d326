import { z } from 'zod'
import type { LinePosition } from '../../shared/store/logs.ts'
import { LIMITS, taskIdInput, wholeNumber } from '../schemas.ts'

/** What callers may ask of a task's lines, written once for REST and tRPC. */

const BAD_AFTER = 'after must be the id of a line, such as 1.42'
const BAD_LIMIT = `limit must be a whole number from 1 to ${LIMITS.page}`

/** The place of a line, as interfaces write it: `1.42` is the 42nd line of the first attempt. */
export const writePosition = ({ attempt, seq }: LinePosition): string => `${attempt}.${seq}`

const position = z
  .string(BAD_AFTER)
  .regex(/^\d{1,9}\.\d{1,9}$/, BAD_AFTER)
  .transform((text): LinePosition => {
    const [attempt = 0, seq = 0] = text.split('.').map(Number)
    return { attempt, seq }
  })

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
  .pipe(wholeNumber(1, LIMITS.page, BAD_LIMIT))

export const linesInput = taskIdInput.extend({
  after: position.optional(),
  limit: limit.default(LIMITS.page),
})

export const followInput = taskIdInput.extend({
  after: position.nullish(),
  /** Where to resume; the client library fills it in when it reconnects. */
  lastEventId: position.nullish(),
})
