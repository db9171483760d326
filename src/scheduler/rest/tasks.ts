import type { Context } from 'hono'
import { AppError } from '../../shared/core/error.ts'
import { readCounts } from '../../shared/store/counts.ts'
import { deadLettersInput, type ListInput, listInput } from '../list-input.ts'
import { batchInput, NO_BATCH_KEY, parse, scheduleInput, submitInput, taskIdInput } from '../schemas.ts'
import type { Services } from '../services.ts'
import { queueDepthOf } from '../stats.ts'
import { viewDetail, viewTask } from '../views.ts'
import { BATCH_BODY_LIMIT, readJson } from './body.ts'
import { readIdempotencyKey, withIdempotencyKey } from './idempotency-key.ts'
import { NO_MANY_KEY, readMany } from './many.ts'
import { readQuery } from './query.ts'
import type { Env, Route } from './route.ts'

const epochSeconds = (at: Date) => Math.floor(at.getTime() / 1000)

async function readSubmission(c: Context<Env>): Promise<unknown> {
  return withIdempotencyKey(await readJson(c.req.raw), readIdempotencyKey(c.req.raw))
}

async function schedule(c: Context<Env>, { tasks }: Services) {
  const task = await tasks.schedule(parse(scheduleInput, await readSubmission(c)))
  return c.json({
    task_id: task.id,
    command: task.command,
    scheduled_at: epochSeconds(task.scheduledAt),
    scheduled_at_iso: task.scheduledAt.toISOString(),
    status: 'scheduled',
  })
}

async function scheduleBatch(c: Context<Env>, { tasks }: Services) {
  if (readIdempotencyKey(c.req.raw) !== null) throw new AppError('invalid', NO_BATCH_KEY)
  const input = parse(batchInput, await readJson(c.req.raw))
  const { ids, scheduledAt } = await tasks.scheduleBatch(input)
  return c.json({
    count: ids.length,
    scheduled_at: epochSeconds(scheduledAt),
    scheduled_at_iso: scheduledAt.toISOString(),
    task_ids: ids,
    message: `${ids.length} tasks scheduled`,
  })
}

async function submitMany(c: Context<Env>, { tasks }: Services) {
  if (readIdempotencyKey(c.req.raw) !== null) throw new AppError('invalid', NO_MANY_KEY)
  const many = await readMany(c.req.raw)
  const ids = await tasks.submitMany(many.tasks, many.placeOf)
  return c.json({ count: ids.length, task_ids: ids })
}

async function status(c: Context<Env>, { tasks }: Services) {
  const { task_id } = parse(taskIdInput, c.req.query())
  return c.json(viewDetail(await tasks.detail(task_id), ''))
}

async function list(c: Context<Env>, { tasks, limits }: Services, unset: '' | null, input: ListInput) {
  const page = await tasks.list(input, limits.pageBytes)
  c.header('X-Total-Count', String(page.total))
  if (page.nextCursor) {
    const query = new URLSearchParams({ ...c.req.query(), cursor: page.nextCursor })
    c.header('Link', `<${c.req.path}?${query}>; rel="next"`)
  }
  return { total: page.total, tasks: page.tasks.map((task) => viewTask(task, unset)) }
}

async function submit(c: Context<Env>, { tasks }: Services) {
  const task = await tasks.submit(parse(submitInput, await readSubmission(c)))
  return c.json({ task_id: task.id, status: 'submitted' })
}

async function listWithQueue(c: Context<Env>, services: Services) {
  const [listed, counts] = await Promise.all([
    list(c, services, null, parse(listInput, readQuery(c))),
    readCounts(services.sql),
  ])
  const tasks = listed.tasks.map((task) => ({ ...task, status: task.state }))
  return c.json({ ...listed, tasks, queue_length: queueDepthOf(counts) })
}

async function get(c: Context<Env>, { tasks }: Services) {
  const parsed = taskIdInput.safeParse({ task_id: c.req.param('id') })
  if (!parsed.success) return c.json({ error: 'Task not found', code: 'not_found' }, 404)
  const detail = viewDetail(await tasks.detail(parsed.data.task_id), null)
  // Clients of these paths look for the state under this name.
  return c.json({ ...detail, status: detail.state })
}

export const taskRoutes: Route[] = [
  { method: 'POST', path: '/api/schedule', handle: schedule },
  { method: 'POST', path: '/schedule', handle: schedule },
  { method: 'POST', path: '/api/schedule/batch', bodyLimit: BATCH_BODY_LIMIT, handle: scheduleBatch },
  { method: 'POST', path: '/api/tasks/batch', bodyLimit: BATCH_BODY_LIMIT, handle: submitMany },
  { method: 'GET', path: '/api/status', handle: status },
  { method: 'GET', path: '/status', handle: status },
  {
    method: 'GET',
    path: '/api/tasks',
    handle: async (c, services) =>
      c.json((await list(c, services, '', parse(listInput, readQuery(c)))).tasks),
  },
  {
    method: 'GET',
    path: '/api/dead-letters',
    async handle(c, services) {
      const input = parse(deadLettersInput, readQuery(c))
      return c.json((await list(c, services, '', { ...input, state: 'failed' })).tasks)
    },
  },
  {
    method: 'GET',
    path: '/api/tasks/:id/why',
    async handle(c, { why }) {
      const parsed = taskIdInput.safeParse({ task_id: c.req.param('id') })
      if (!parsed.success) return c.json({ error: 'Task not found', code: 'not_found' }, 404)
      return c.json(await why(parsed.data.task_id))
    },
  },
  { method: 'POST', path: '/tasks', handle: submit },
  { method: 'GET', path: '/tasks', handle: listWithQueue },
  { method: 'GET', path: '/tasks/:id', handle: get },
]
