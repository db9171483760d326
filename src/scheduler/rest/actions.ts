import type { Context } from 'hono'
import type { TaskAction } from '../../shared/store/walk.ts'
import { bulkInputs, previewInputs } from '../bulk-input.ts'
import { parse, taskIdInput } from '../schemas.ts'
import type { Services } from '../services.ts'
import { readJson } from './body.ts'
import type { Env, Route } from './route.ts'

const ACTIONS: TaskAction[] = ['cancel', 'retry', 'run-now', 'discard']

async function one(c: Context<Env>, { actions }: Services, action: TaskAction) {
  const parsed = taskIdInput.safeParse({ task_id: c.req.param('id') })
  if (!parsed.success) return c.json({ error: 'Task not found', code: 'not_found' }, 404)
  return c.json(await actions.one(action, parsed.data.task_id))
}

async function many(c: Context<Env>, { actions }: Services, action: TaskAction) {
  const input = parse(bulkInputs[action], await readJson(c.req.raw))
  return c.json(await actions.many(action, input))
}

async function preview(c: Context<Env>, { actions }: Services, action: TaskAction) {
  const input = parse(previewInputs[action], await readJson(c.req.raw))
  return c.json(await actions.preview(action, input))
}

/** What operators do to tasks: to one, or to all that meet a condition. */
export const actionRoutes: Route[] = [
  ...ACTIONS.flatMap((action): Route[] => [
    { method: 'POST', path: `/api/tasks/${action}`, handle: (c, services) => many(c, services, action) },
    {
      method: 'POST',
      path: `/api/tasks/${action}/preview`,
      handle: (c, services) => preview(c, services, action),
    },
    { method: 'POST', path: `/api/tasks/:id/${action}`, handle: (c, services) => one(c, services, action) },
  ]),
  { method: 'DELETE', path: '/api/tasks/:id', handle: (c, services) => one(c, services, 'discard') },
]
