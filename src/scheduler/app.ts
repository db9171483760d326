import { Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { description, name, version } from '../../package.json' with { type: 'json' }
import { within } from './deadline.ts'
import { HTTP_STATUS, RETRY_AFTER_S, tellFailure } from './failure.ts'
import { createGate } from './gate.ts'
import { actionRoutes } from './rest/actions.ts'
import { eventRoutes } from './rest/events.ts'
import { exportRoutes } from './rest/export.ts'
import { guard, protect } from './rest/guard.ts'
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
import { createTrpcHandler } from './trpc.ts'

/** What is worked on at once. */
const MAX_REQUESTS = 20_000
const MAX_BODY_BYTES = 512 * 1024 * 1024
/** What a body of unknown length is taken for. */
const UNKNOWN_BYTES = 1024 * 1024

/** The HTTP application: every route of every family, with errors in one shape. */
export function createApp(services: Services): Hono<Env> {
  const { log, requestTimeoutMs } = services
  // Not strict: /status/?task_id=… is answered as /status?task_id=… is, without a redirect.
  const app = new Hono<Env>({ strict: false })
  app.use(protect, guard(services.hosts), serveSite(services.site))

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
  ]
  const routes = families.flat()
  routes.push(indexRoute(routes))

  const gate = createGate(MAX_REQUESTS, MAX_BODY_BYTES)
  for (const { method, path, handle, endless } of routes) {
    app.on(method, path, async (c) => {
      if (endless) {
        c.env?.server?.timeout(c.req.raw, 0)
        return await handle(c, services)
      }
      return await within(
        requestTimeoutMs,
        'The answer took too long. Try again shortly.',
        gate.pass(bytesOf(c.req.raw), async () => handle(c, services)),
      )
    })
  }

  const handleTrpc = createTrpcHandler(services)
  app.on(['GET', 'POST'], '/trpc/*', (c) => {
    const isStream = c.req.header('accept')?.includes('text/event-stream')
    const handle = () => handleTrpc(c.req.raw, c.env?.server)
    return isStream ? handle() : gate.pass(bytesOf(c.req.raw), handle)
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
    const failure = tellFailure(error, log)
    const isForNow = failure.code === 'unavailable' || failure.code === 'too_many'
    if (isForNow) c.header('Retry-After', String(RETRY_AFTER_S))
    const status: ContentfulStatusCode = error instanceof Refusal ? error.status : HTTP_STATUS[failure.code]
    return c.json(failure, status, error instanceof Refusal ? error.headers : {})
  })

  return app
}

function bytesOf(request: Request): number {
  const declared = request.headers.get('content-length')
  if (declared !== null) return Number(declared) || 0
  return request.body ? UNKNOWN_BYTES : 0
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
