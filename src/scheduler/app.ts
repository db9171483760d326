import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { description, name, version } from '../../package.json' with { type: 'json' }
import { within } from './deadline.ts'
import { HTTP_STATUS, RETRY_AFTER_S, tellFailure } from './failure.ts'
import { createGate } from './gate.ts'
import { actionRoutes } from './rest/actions.ts'
import { BATCH_BODY_LIMIT, BODY_LIMIT, receiveBody } from './rest/body.ts'
import { commandLineRoutes } from './rest/command-line.ts'
import { eventRoutes } from './rest/events.ts'
import { exportRoutes } from './rest/export.ts'
import { guard, protect } from './rest/guard.ts'
import { createIntake } from './rest/intake.ts'
import { logRoutes } from './rest/logs.ts'
import { operationRoutes } from './rest/operations.ts'
import { queueRoutes } from './rest/queues.ts'
import { type Env, Refusal, type Route } from './rest/route.ts'
import { scheduleRoutes } from './rest/schedules.ts'
import { socketRoutes } from './rest/socket.ts'
import { taskRoutes } from './rest/tasks.ts'
import { workerRoutes } from './rest/workers.ts'
import { workflowRoutes } from './rest/workflows.ts'
import type { Services } from './services.ts'
import { serveNotFound, serveSite } from './site/serve.ts'
import { callerOf, untilEnd } from './streams.ts'
import { createTrpcHandler, isSubscription } from './trpc-handler.ts'

/** Requests that are worked on at once. */
const MAX_REQUESTS = 20_000
const LATE = 'The answer took too long. Try again shortly.'
const EVENT_STREAM = 'text/event-stream'
/** ms after which an event stream that is not read is ended: comments alone come more often. */
const STALL_MS = 60_000

/** The HTTP application: every route of every family, with errors in one shape. */
export function createApp(services: Services): Hono<Env> {
  const { log, requestTimeoutMs, limits } = services
  // Not strict: /status/?task_id=… is answered as /status?task_id=… is, without a redirect.
  const app = new Hono<Env>({ strict: false })
  app.use(protect, guard(services.hosts, services.origins), serveSite(services.site))

  const families = [
    taskRoutes,
    exportRoutes,
    actionRoutes,
    workflowRoutes,
    queueRoutes,
    scheduleRoutes,
    workerRoutes,
    eventRoutes,
    logRoutes,
    socketRoutes,
    operationRoutes(),
    commandLineRoutes,
  ]
  const routes = families.flat()
  routes.push(indexRoute(routes))

  const intake = createIntake({ maxBytes: limits.bodyBytes, timeoutMs: limits.bodyTimeoutMs })
  const gate = createGate(MAX_REQUESTS, limits.bodyBytes)

  /** Receives what the request has to say, then does the work when there is room for it. */
  async function admit(
    request: Request,
    bodyLimit: number,
    work: () => Promise<Response>,
  ): Promise<Response> {
    const bytes = await receiveBody(request, intake, bodyLimit)
    return await within(requestTimeoutMs, LATE, gate.pass(bytes, work))
  }

  /** Counts the answer among the streams for as long as it goes on, and takes the idle limit from it. */
  async function keepOpen(c: Context<Env>, work: () => Promise<Response>): Promise<Response> {
    const { raw } = c.req
    const close = services.streams.open(callerOf(raw, c.env?.server))
    try {
      c.env?.server?.timeout(raw, 0)
      const answer = await work()
      const isLive = answer.headers.get('content-type')?.startsWith(EVENT_STREAM)
      return untilEnd(answer, raw.signal, isLive ? STALL_MS : null, close)
    } catch (error) {
      close()
      throw error
    }
  }

  for (const { method, path, handle, bodyLimit = BODY_LIMIT, endless } of routes) {
    app.on(method, path, async (c) => {
      if (endless === 'socket') return await handle(c, services)
      if (endless) return await keepOpen(c, async () => handle(c, services))
      return await admit(c.req.raw, bodyLimit, async () => handle(c, services))
    })
  }

  const handleTrpc = createTrpcHandler(services)
  app.on(['GET', 'POST'], '/trpc/*', async (c) => {
    const answer = () => admit(c.req.raw, BATCH_BODY_LIMIT, () => handleTrpc(c.req.raw))
    return isSubscription(c.req.raw) ? await keepOpen(c, answer) : await answer()
  })

  for (const [path, allowed] of methodsByPath(routes)) {
    app.all(path, () => {
      throw new Refusal(405, `method not allowed; use ${allowed.join(' or ')}`, { Allow: allowed.join(', ') })
    })
  }
  app.all('/trpc/*', () => {
    throw new Refusal(405, 'method not allowed; use GET or POST', { Allow: 'GET, POST' })
  })

  app.notFound(async (c) => {
    const page = await serveNotFound(c, services.site)
    return page ?? c.json({ error: `there is nothing at ${c.req.path}`, code: 'not_found' }, 404)
  })

  app.onError((error, c) => {
    if (c.req.method !== 'GET') services.health.refused(error)
    const failure = tellFailure(error, log)
    const isForNow = failure.code === 'unavailable' || failure.code === 'too_many'
    if (isForNow) c.header('Retry-After', String(RETRY_AFTER_S))
    const status: ContentfulStatusCode = error instanceof Refusal ? error.status : HTTP_STATUS[failure.code]
    return c.json(failure, status, error instanceof Refusal ? error.headers : {})
  })

  return app
}

/** What this is, for programs; a browser is shown the dashboard. */
function indexRoute(others: Route[]): Route {
  const routes = others.map(({ method, path }) => `${method} ${path}`)
  const index = { name, version, description, docs: 'docs/api.md', routes }
  return { method: 'GET', path: '/', handle: (c) => c.json(index) }
}

function methodsByPath(routes: Route[]): Map<string, string[]> {
  const methods = new Map<string, string[]>()
  for (const { path, method } of routes) {
    methods.set(path, [...(methods.get(path) ?? []), ...(method === 'GET' ? ['GET', 'HEAD'] : [method])])
  }
  return methods
}
