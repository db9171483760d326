import { TRPCClientError } from '@trpc/client'
import type { ErrorCode } from '../shared/core/error.ts'
import type { TaskView } from './wire.ts'

/** `timeout`: you gave it no more time. `closed`: the client was closed. The others are the scheduler's. */
export type ClientErrorCode = ErrorCode | 'timeout' | 'closed' | 'failed' | 'cancelled'

/** What a call of the client rejects with. */
export class ClientError extends Error {
  override readonly name: string = 'ClientError'

  constructor(
    readonly code: ClientErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** The task whose result was awaited failed for good. */
export class TaskFailed extends ClientError {
  override readonly name = 'TaskFailed'

  constructor(readonly task: TaskView) {
    super('failed', `Task ${task.task_id} failed: ${task.error ?? 'it does not say why'}`)
  }
}

/** The task whose result was awaited was cancelled. */
export class TaskCancelled extends ClientError {
  override readonly name = 'TaskCancelled'

  constructor(readonly task: TaskView) {
    super('cancelled', `Task ${task.task_id} was cancelled`)
  }
}

const CODES: Record<string, ErrorCode> = {
  BAD_REQUEST: 'invalid',
  PARSE_ERROR: 'invalid',
  UNAUTHORIZED: 'unauthorized',
  NOT_FOUND: 'not_found',
  CONFLICT: 'conflict',
  TOO_MANY_REQUESTS: 'too_many',
  SERVICE_UNAVAILABLE: 'unavailable',
  INTERNAL_SERVER_ERROR: 'internal',
}

/** Any error of a call as one of ours; a scheduler that gave no answer of its own is `unavailable`. */
export function asClientError(error: unknown): unknown {
  if (!(error instanceof TRPCClientError)) return error
  if (error.cause?.name === 'AbortError') return error.cause
  const code: unknown = error.data?.code
  if (typeof code === 'string')
    return new ClientError(CODES[code] ?? 'internal', error.message, { cause: error })
  return new ClientError('unavailable', `the scheduler gave no answer: ${error.message}`, { cause: error })
}

/** Whether the same call may succeed a little later. */
export const isForNow = (error: unknown): boolean =>
  error instanceof ClientError && (error.code === 'unavailable' || error.code === 'too_many')
