import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { AppError, type ErrorCode } from '../../shared/core/error.ts'
import type { Services } from '../services.ts'

/** `server` is the Bun server that took the request; there is none when a test asks the app itself. */
export interface Env {
  Bindings: { server?: Bun.Server<unknown> }
}

export interface Route {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  path: string
  handle(context: Context<Env>, services: Services): Response | Promise<Response>
  /** Bytes that the body may have; default BODY_LIMIT. */
  bodyLimit?: number
  /** Whether the answer goes on for as long as the client listens. `socket`: it is no answer of HTTP any more. */
  endless?: boolean | 'socket'
}

/** A refusal that has a status of its own in HTTP. */
export class Refusal extends AppError {
  constructor(
    readonly status: ContentfulStatusCode,
    message: string,
    readonly headers: Record<string, string> = {},
    code: ErrorCode = 'invalid',
  ) {
    super(code, message)
  }
}
