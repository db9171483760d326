import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js'
import { AppError } from '../shared/core/error.ts'
import type { Log } from '../shared/log.ts'
import type { CoordinatorServiceHandlers } from '../shared/rpc/gen/grpcapi/CoordinatorService.ts'
import { asAppError } from '../shared/store/errors.ts'
import { type Documented, NO_WORKERS } from './documented.ts'
import type { WorkStream } from './links/stream.ts'

const GRPC_STATUS = {
  invalid: status.INVALID_ARGUMENT,
  not_found: status.NOT_FOUND,
  conflict: status.FAILED_PRECONDITION,
  unauthorized: status.UNAUTHENTICATED,
  too_many: status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
  internal: status.INTERNAL,
} as const

/** The gRPC edge: turns calls into the coordinator's own terms, and errors into statuses. */
export function createService(
  documented: Documented,
  serveWork: (stream: WorkStream) => void,
  log: Log,
): CoordinatorServiceHandlers {
  const unary =
    <Request, Response>(answer: (request: Request) => Promise<Response>) =>
    (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
      answer(call.request).then(
        (response) => callback(null, response),
        (error) => callback(toStatus(error)),
      )
    }

  function toStatus(thrown: unknown) {
    const error = asAppError(thrown)
    if (error instanceof AppError) {
      const code = error.message === NO_WORKERS ? status.UNKNOWN : GRPC_STATUS[error.code]
      return { code, details: error.message }
    }
    const id = crypto.randomUUID()
    log.error({ err: error, id }, 'A call failed')
    return { code: status.INTERNAL, details: `internal error ${id}` }
  }

  return {
    SubmitTask: unary(documented.submitTask),
    SendHeartbeat: unary(documented.sendHeartbeat),
    UpdateTaskStatus: unary(documented.updateTaskStatus),
    ListWorkers: unary(documented.listWorkers),
    Work: serveWork,
  }
}
