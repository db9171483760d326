import type { Context } from 'hono'
import type { Services } from '../services.ts'
import type { Env, Route } from './route.ts'

/** The most events in one write. */
const CHUNK = 500

const encoder = new TextEncoder()

/**
 * Server-sent events: the backlog, or what came after `Last-Event-ID`, and then what comes. Written only as
 * fast as the client reads; what a slow one misses, it is told of.
 */
function stream(c: Context<Env>, { feed, keepAliveMs }: Services): Response {
  const headers = {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache, no-transform',
    'X-Accel-Buffering': 'no',
  }
  if (c.req.raw.method === 'HEAD') return new Response(null, { headers })
  const seen = c.req.header('Last-Event-ID') ?? c.req.query('last_event_id') ?? ''
  const follower = feed.follow(/^\d{1,16}$/.test(seen) ? Number(seen) : 'backlog')
  let left = false
  const leave = () => {
    left = true
    follower.close()
  }
  c.req.raw.signal.addEventListener('abort', leave)
  let keepAliveAt = performance.now() + keepAliveMs

  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(encoder.encode(': connected\n\n'))
      },
      async pull(controller) {
        const entries = await follower.take(CHUNK, Math.max(0, keepAliveAt - performance.now()))
        if (!entries) return left ? undefined : controller.close()
        let text = ''
        for (const entry of entries) text += `id: ${entry.event.id}\ndata: ${entry.json()}\n\n`
        if (performance.now() >= keepAliveAt) {
          text += ': keep-alive\n\n'
          keepAliveAt = performance.now() + keepAliveMs
        }
        controller.enqueue(encoder.encode(text))
      },
      cancel: leave,
    },
    { highWaterMark: 1 },
  )
  return new Response(body, { headers })
}

export const eventRoutes: Route[] = [
  { method: 'GET', path: '/api/logs', handle: (c, { feed }) => c.json(feed.recent()) },
  { method: 'GET', path: '/api/logs/stream', handle: stream, endless: true },
]
