import type { Context } from 'hono'
import { readCounts } from '../../shared/store/counts.ts'
import { batchInput, listInput, parse, scheduleInput, submitInput, taskIdInput } from '../schemas.ts'
import type { Services } from '../services.ts'
import { queueDepthOf } from '../stats.ts'
import { viewTask } from '../views.ts'
import { BATCH_BODY_LIMIT, BODY_LIMIT, readJson } from './body.ts'
import type { Env, Route } from './route.ts'

const epochSeconds = (at: Date) => Math.floor(at.getTime() / 1000)

async function schedule(c: Context<Env>, { tasks }: Services) {
  const task = await tasks.schedule(parse(scheduleInput, await readJson(c.req.raw, BODY_LIMIT)))
  return c.json({
    task_id: task.id,
    command: task.command,
    scheduled_at: epochSeconds(task.scheduledAt),
    scheduled_at_iso: task.scheduledAt.toISOString(),
    status: 'scheduled',
  })
}

async function scheduleBatch(c: Context<Env>, { tasks }: Services) {
  const input = parse(batchInput, await readJson(c.req.raw, BATCH_BODY_LIMIT))
  const { ids, scheduledAt } = await tasks.scheduleBatch(input)
  return c.json({
    count: ids.length,
    scheduled_at: epochSeconds(scheduledAt),
    scheduled_at_iso: scheduledAt.toISOString(),
    task_ids: ids,
    message: `${ids.length} tasks scheduled`,
  })
}

async function status(c: Context<Env>, { tasks }: Services) {
  const { task_id } = parse(taskIdInput, c.req.query())
  return c.json(viewTask(await tasks.get(task_id), ''))
}

async function list(c: Context<Env>, { tasks }: Services, unset: '' | null) {
  const page = await tasks.list(parse(listInput, c.req.query()))
  c.header('X-Total-Count', String(page.total))
  if (page.nextCursor) {
    const query = new URLSearchParams({ ...c.req.query(), cursor: page.nextCursor })
    c.header('Link', `<${c.req.path}?${query}>; rel="next"`)
  }
  return { total: page.total, tasks: page.tasks.map((task) => viewTask(task, unset)) }
}

async function submit(c: Context<Env>, { tasks }: Services) {
  const task = await tasks.submit(parse(submitInput, await readJson(c.req.raw, BODY_LIMIT)))
  return c.json({ task_id: task.id, status: 'submitted' })
}

async function listWithQueue(c: Context<Env>, services: Services) {
  const [listed, counts] = await Promise.all([list(c, services, null), readCounts(services.sql)])
  return c.json({ ...listed, queue_length: queueDepthOf(counts) })
}

async function get(c: Context<Env>, { tasks }: Services) {
  const parsed = taskIdInput.safeParse({ task_id: c.req.param('id') })
  if (!parsed.success) return c.json({ error: 'Task not found', code: 'not_found' }, 404)
  return c.json(viewTask(await tasks.get(parsed.data.task_id), null))
}

export const taskRoutes: Route[] = [
  { method: 'POST', path: '/api/schedule', handle: schedule },
  { method: 'POST', path: '/schedule', handle: schedule },
  { method: 'POST', path: '/api/schedule/batch', handle: scheduleBatch },
  { method: 'GET', path: '/api/status', handle: status },
  { method: 'GET', path: '/status', handle: status },
  {
    method: 'GET',
    path: '/api/tasks',
    handle: async (c, services) => c.json((await list(c, services, '')).tasks),
  },
  { method: 'POST', path: '/tasks', handle: submit },
  { method: 'GET', path: '/tasks', handle: listWithQueue },
  { method: 'GET', path: '/tasks/:id', handle: get },
]
