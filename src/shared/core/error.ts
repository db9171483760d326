/** The kinds of error a caller can be given; each edge maps them once to HTTP, tRPC and gRPC. */
export type ErrorCode =
  | 'invalid'
  | 'not_found'
  | 'conflict'
  | 'unauthorized'
  | 'too_many'
  | 'unavailable'
  | 'internal'

/** An error whose message may be shown to the caller. Anything else that is thrown is internal. */
export class AppError extends Error {
  override readonly name = 'AppError'

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}
