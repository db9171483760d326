import type { Context } from 'hono'
import type { Task } from '../../shared/core/task.ts'
import { csvHead, csvRow } from '../export/csv.ts'
import { exportInput } from '../list-input.ts'
import { parse } from '../schemas.ts'
import type { Services } from '../services.ts'
import { viewTask } from '../views.ts'
import { readQuery } from './query.ts'
import type { Env, Route } from './route.ts'

/** After so long without anything being read, whoever reads is gone, even when their connection is not. */
const IDLE_MS = 15 * 60_000

const FORMATS = {
  ndjson: {
    type: 'application/x-ndjson',
    head: '',
    row: (task: Task) => `${JSON.stringify(viewTask(task, null))}\n`,
  },
  csv: {
    type: 'text/csv; charset=utf-8',
    head: csvHead(),
    row: (task: Task) => csvRow(viewTask(task, null)),
  },
}

const encoder = new TextEncoder()

/**
 * All tasks that match, read from the database as fast as the client reads. What goes wrong on the way breaks the
 * connection, so that nobody takes a part for the whole.
 */
async function exportTasks(c: Context<Env>, { exports, log }: Services): Promise<Response> {
  const input = parse(exportInput, readQuery(c))
  const { type, head, row } = FORMATS[input.format]
  const headers = {
    'Content-Type': type,
    'Content-Disposition': `attachment; filename="tasks.${input.format}"`,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  }
  if (c.req.raw.method === 'HEAD') return new Response(null, { headers })

  const pages = exports.pages(input)
  // The first page is read before the answer begins: what is wrong from the start is answered as an error.
  let next = await pages.next(0)
  let text = head
  let timer: Timer | undefined
  let left = false
  const leave = () => {
    left = true
    clearTimeout(timer)
    void pages.return()
  }
  const waitForReader = (controller: ReadableStreamDefaultController) => {
    if (left) return
    clearTimeout(timer)
    timer = setTimeout(() => {
      leave()
      controller.error(new Error('nobody reads this export'))
    }, IDLE_MS)
  }
  c.req.raw.signal.addEventListener('abort', leave)
  if (c.req.raw.signal.aborted) leave()
  const body = new ReadableStream<Uint8Array>(
    {
      start: waitForReader,
      async pull(controller) {
        clearTimeout(timer)
        try {
          if (next.done && text === '') return controller.close()
          if (!next.done) for (const task of next.value) text += row(task)
          const size = text.length
          controller.enqueue(encoder.encode(text))
          text = ''
          next = await pages.next(size)
          if (!left && !next.done) waitForReader(controller)
        } catch (error) {
          log.warn({ err: error }, 'An export broke off')
          // The log has why; Bun prints what is given here.
          controller.error(new Error('an export broke off'))
        }
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  )
  return new Response(body, { headers })
}

export const exportRoutes: Route[] = [
  { method: 'GET', path: '/api/tasks/export', handle: exportTasks, endless: true },
]
