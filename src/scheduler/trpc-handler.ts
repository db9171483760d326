import type { TRPCError } from '@trpc/server'
import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import { findInexact } from '../shared/core/exact-json.ts'
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
    const { whole, inexact } = readWhole(request)
    return await fetchRequestHandler({
      endpoint: '/trpc',
      req: whole,
      router: appRouter,
      // Together, the calls of a request read no more than one alone may.
      createContext: ({ info }) => ({
        ...sharing(services, info.calls.length),
        ...(inexact !== null && { inexact }),
      }),
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

/**
 * The request with the body that was received, and where that has a number that would come back as another. tRPC itself
 * would take forms too, which other sites can send.
 */
function readWhole(request: Request): { whole: Request; inexact: string | null } {
  const isPost = request.method === 'POST'
  if (!isPost && !request.headers.has(STREAMED)) return { whole: request, inexact: null }
  // An answer that is written while the work goes on would leave the gate before its work has ended.
  const headers = new Headers(request.headers)
  headers.delete(STREAMED)
  const body = isPost ? readJsonText(request) : null
  const { url, method, signal } = request
  return { whole: new Request(url, { method, headers, body, signal }), inexact: body && findFault(body) }
}

function findFault(body: string): string | null {
  try {
    // Calls that go together are numbered, which their callers do not see.
    return findInexact(body)?.replace(/^\d+\./, '') ?? null
  } catch {
    return null // No JSON, which tRPC says.
  }
}
