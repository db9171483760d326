import { z } from 'zod'
import { body, LIMITS, queueName, requiredText, wholeNumber } from '../schemas.ts'

/** What callers may send about queues, written once for REST and tRPC. Every message names its field. */

/** The greatest number that PostgreSQL keeps as an integer. */
const MOST = 2_147_483_647
/** ms; a rate over less says nothing that a timer could keep, one over more is kept for a day. */
const PERIOD_MS = { min: 10, max: 86_400_000 }

const concurrency = (field: string) => {
  const message = `${field} must be a whole number from 1 to ${MOST}, or null`
  return wholeNumber(1, MOST, message).nullish()
}

const rate = (field: string) =>
  z
    .object(
      {
        limit: wholeNumber(1, MOST, `${field}.limit must be a whole number from 1 to ${MOST}`),
        period_ms: wholeNumber(
          PERIOD_MS.min,
          PERIOD_MS.max,
          `${field}.period_ms must be a whole number from ${PERIOD_MS.min} to ${PERIOD_MS.max}`,
        ),
      },
      { error: `${field} must be an object such as {"limit": 100, "period_ms": 60000}, or null` },
    )
    .nullish()

/** What is left out stays as it is; null lifts the limit. */
export const editQueueInput = body({
  concurrency: concurrency('concurrency'),
  rate: rate('rate'),
  per_key: z
    .object(
      { concurrency: concurrency('per_key.concurrency'), rate: rate('per_key.rate') },
      { error: 'per_key must be an object such as {"concurrency": 1}, or null' },
    )
    .nullish(),
})

export const pauseQueueInput = body({
  /** Who it was, or why: shown to whoever asks what a task waits for. */
  by: requiredText('by', LIMITS.name, 'by must not be empty').nullish(),
})

export const queueNameInput = z.object({ queue: queueName('queue') })

export type EditQueueInput = z.output<typeof editQueueInput>
export type PauseQueueInput = z.output<typeof pauseQueueInput>
