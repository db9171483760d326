import { AppError, type ErrorCode } from '../shared/core/error.ts'
import type { Log } from '../shared/log.ts'
import { asAppError } from '../shared/store/errors.ts'

/** What a caller is told of an error. */
export interface Failure {
  error: string
  code: ErrorCode
  /** Of an internal error: what the log has it under. */
  id?: string
}

/** Turns any error into what its caller may know; what is internal goes to the log with an id. */
export function tellFailure(thrown: unknown, log: Log): Failure {
  const error = asAppError(thrown)
  if (error instanceof AppError && error.code !== 'internal') {
    if (error.cause) log.warn({ err: error.cause }, error.message)
    return { error: error.message, code: error.code }
  }
  const id = crypto.randomUUID()
  log.error({ err: error, id }, 'Internal error')
  return { error: `Internal error ${id}`, code: 'internal', id }
}

export const HTTP_STATUS = {
  invalid: 400,
  unauthorized: 401,
  not_found: 404,
  conflict: 409,
  too_many: 429,
  internal: 500,
  unavailable: 503,
} as const satisfies Record<ErrorCode, number>

/** Seconds after which a call that was refused for now may be tried again. */
export const RETRY_AFTER_S = 1
