import type { Context } from 'hono'
import { AppError } from '../../shared/core/error.ts'
import { isUuid } from '../../shared/core/uuid.ts'
import { tellFailure } from '../failure.ts'
import { followInput, linesInput, writePosition } from '../logs/input.ts'
import { FROM_START } from '../logs/task-logs.ts'
import { viewLine, viewNews } from '../logs/views.ts'
import { parse } from '../schemas.ts'
import type { Services } from '../services.ts'
import type { Env, Route } from './route.ts'

const encoder = new TextEncoder()

const HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
}

function idOf(c: Context<Env>): string {
  const id = c.req.param('id') ?? ''
  if (!isUuid(id)) throw new AppError('not_found', 'Task not found')
  return id
}

async function list(c: Context<Env>, { taskLogs, limits }: Services) {
  const { task_id, after, limit } = parse(linesInput, { ...c.req.query(), task_id: idOf(c) })
  const { lines, next } = await taskLogs.list(task_id, after ?? FROM_START, limit, limits.pageBytes)
  return c.json({ lines: lines.map(viewLine), next: next && writePosition(next) })
}

/**
 * Server-sent events: a task's lines from the first, or after `Last-Event-ID`, as fast as the client reads them;
 * `event: task` when it stands otherwise than before; and at last `event: end` with how the task ended.
 */
async function stream(c: Context<Env>, services: Services): Promise<Response> {
  const seen = c.req.header('Last-Event-ID') || c.req.query('last_event_id') || c.req.query('after')
  const { task_id, after } = parse(followInput, { task_id: idOf(c), after: seen || undefined })
  if (c.req.raw.method === 'HEAD') return new Response(null, { headers: HEADERS })
  const abort = new AbortController()
  const news = services.taskLogs.follow(task_id, after ?? FROM_START, abort.signal)
  const leave = () => {
    abort.abort()
    void news.return(undefined)
  }
  c.req.raw.signal.addEventListener('abort', leave)
  // What is wrong with the request is still an answer of its own.
  const first = await news.next()
  let pending: Promise<typeof first> | null = null
  let standing = ''
  const textOf = (result: typeof first): string => {
    if (result.done) return `event: end\ndata: ${standing}\n\n`
    const { lines, ...now } = viewNews(result.value)
    const before = standing
    standing = JSON.stringify(now)
    const said = lines.map((line) => `id: ${line.id}\ndata: ${JSON.stringify(line)}\n\n`).join('')
    return standing === before ? said : `${said}event: task\ndata: ${standing}\n\n`
  }
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(encoder.encode(`: connected\n\n${textOf(first)}`))
      },
      async pull(controller) {
        try {
          pending ??= news.next()
          const result = await orNothing(pending, services.keepAliveMs)
          if (!result) return controller.enqueue(encoder.encode(': keep-alive\n\n'))
          pending = null
          if (abort.signal.aborted) return
          controller.enqueue(encoder.encode(textOf(result)))
          if (result.done) controller.close()
        } catch (error) {
          tellFailure(error, services.log)
          controller.close()
        }
      },
      cancel: leave,
    },
    { highWaterMark: 1 },
  )
  return new Response(body, { headers: HEADERS })
}

/** What a promise resolves with, or null when that takes longer than so many ms. */
async function orNothing<T>(promise: Promise<T>, limitMs: number): Promise<T | null> {
  const late = Promise.withResolvers<null>()
  const timer = setTimeout(late.resolve, limitMs, null)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** What tasks say. */
export const logRoutes: Route[] = [
  { method: 'GET', path: '/api/tasks/:id/logs', handle: list },
  { method: 'GET', path: '/api/tasks/:id/logs/stream', handle: stream, endless: true },
]
