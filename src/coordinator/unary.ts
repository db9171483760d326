import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js'
import { AppError } from '../shared/core/error.ts'
import type { Log } from '../shared/log.ts'
import { asAppError } from '../shared/store/errors.ts'
import type { CallLimit } from './call-limit.ts'
import { toStatus } from './status.ts'

export type Unary = <Request, Response>(
  answer: (request: Request, peer: string) => Promise<Response>,
) => (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => void

/** Makes gRPC handlers of functions: what they throw becomes a status, and no more than `limit` run at once. */
export const createUnary =
  (log: Log, limit: CallLimit): Unary =>
  (answer) =>
  (call, callback) => {
    const peer = call.getPeer()
    const leave = limit.enter(peer)
    if (!leave) return callback(toStatus(new AppError('too_many', 'too many calls are open')))
    answer(call.request, peer)
      .finally(leave)
      .then(
        (response) => callback(null, response),
        (error) => callback(statusOf(error, log)),
      )
  }

/** Of an error that callers may not see, only a number that finds it in the log. */
export function statusOf(thrown: unknown, log: Log) {
  const error = asAppError(thrown)
  if (error instanceof AppError) return toStatus(error)
  const id = crypto.randomUUID()
  log.error({ err: error, id }, 'A call failed')
  return { code: status.INTERNAL, details: `internal error ${id}` }
}
