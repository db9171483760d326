import { status } from '@grpc/grpc-js'
import type { AppError } from '../shared/core/error.ts'

/** What clients match on, together with the code UNKNOWN. */
export const NO_WORKERS = 'no workers available'

const GRPC_STATUS = {
  invalid: status.INVALID_ARGUMENT,
  not_found: status.NOT_FOUND,
  conflict: status.FAILED_PRECONDITION,
  unauthorized: status.PERMISSION_DENIED,
  too_many: status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
  internal: status.INTERNAL,
} as const

/** The status by which gRPC says this. */
export function toStatus({ code, message }: AppError): { code: status; details: string } {
  return { code: message === NO_WORKERS ? status.UNKNOWN : GRPC_STATUS[code], details: message }
}
