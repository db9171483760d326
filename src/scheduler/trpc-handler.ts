import type { TRPCError } from '@trpc/server'
import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import { RETRY_AFTER_S } from './failure.ts'
import { readJsonText } from './rest/body.ts'
import type { Services } from './services.ts'
import { appRouter } from './trpc.ts'

const MAX_CALLS = 50
const RETRY_AFTER = { 'Retry-After': String(RETRY_AFTER_S) }

/** Whether the same call may succeed later. */
const isForNow = ({ code }: TRPCError) => code === 'SERVICE_UNAVAILABLE' || code === 'TOO_MANY_REQUESTS'
/** Asks for the calls of a batch to be answered one by one. */
const STREAMED = 'trpc-accept'

/** Whether a request asks for what goes on for as long as its caller listens. */
export function isSubscription(request: Request): boolean {
  const { pathname } = new URL(request.url)
  // By their whole names, although their type nests them.
  const procedures = appRouter._def.procedures as unknown as Record<string, { _def?: { type: string } }>
  // Read as tRPC reads it.
  return names(pathname).some((name) => procedures[name]?._def?.type === 'subscription')
}

function names(pathname: string): string[] {
  try {
    return decodeURIComponent(pathname.slice('/trpc/'.length))
      .split(',')
      .map((name) => name.replace(/^\/+|\/+$/g, ''))
  } catch {
    return []
  }
}

/** Serves the router under /trpc. */
export function createTrpcHandler(services: Services) {
  return async (request: Request): Promise<Response> => {
    return await fetchRequestHandler({
      endpoint: '/trpc',
      req: wholeRequest(request),
      router: appRouter,
      // Together, the calls of a request read no more than one alone may.
      createContext: ({ info }) => sharing(services, info.calls.length),
      maxBatchSize: MAX_CALLS,
      responseMeta: ({ errors }) => (errors.some(isForNow) ? { headers: RETRY_AFTER } : {}),
    })
  }
}

function sharing(services: Services, calls: number): Services {
  if (calls <= 1) return services
  const pageBytes = Math.ceil(services.limits.pageBytes / calls)
  return { ...services, limits: { ...services.limits, pageBytes } }
}

/** The request with the body that was received; tRPC itself would take forms too, which other sites can send. */
function wholeRequest(request: Request): Request {
  const isPost = request.method === 'POST'
  if (!isPost && !request.headers.has(STREAMED)) return request
  // An answer that is written while the work goes on would leave the gate before its work has ended.
  const headers = new Headers(request.headers)
  headers.delete(STREAMED)
  const body = isPost ? readJsonText(request) : null
  return new Request(request.url, { method: request.method, headers, body, signal: request.signal })
}
