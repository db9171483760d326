import type { Context } from 'hono'
import { AppError } from '../../shared/core/error.ts'
import { parse } from '../schemas.ts'
import { createWorkflowInput, listWorkflowsInput, workflowIdInput } from '../workflows/input.ts'
import { viewGraph, viewWorkflows } from '../workflows/views.ts'
import { BATCH_BODY_LIMIT, readJson } from './body.ts'
import { readIdempotencyKey, withIdempotencyKey } from './idempotency-key.ts'
import type { Env, Route } from './route.ts'

/** The id in the path; what cannot be one names nothing. */
function idOf(c: Context<Env>): string {
  const parsed = workflowIdInput.safeParse({ workflow_id: c.req.param('id') })
  if (!parsed.success) throw new AppError('not_found', 'Workflow not found')
  return parsed.data.workflow_id
}

export const workflowRoutes: Route[] = [
  {
    method: 'POST',
    path: '/api/workflows',
    bodyLimit: BATCH_BODY_LIMIT,
    async handle(c, { workflows }) {
      const body = await readJson(c.req.raw)
      const keyed = withIdempotencyKey(body, readIdempotencyKey(c.req.raw))
      return c.json(await workflows.create(parse(createWorkflowInput, keyed)))
    },
  },
  {
    method: 'GET',
    path: '/api/workflows',
    async handle(c, { workflows }) {
      const page = viewWorkflows(await workflows.list(parse(listWorkflowsInput, c.req.query())))
      if (page.next_cursor) {
        const query = new URLSearchParams({ ...c.req.query(), cursor: page.next_cursor })
        c.header('Link', `<${c.req.path}?${query}>; rel="next"`)
      }
      return c.json(page.workflows)
    },
  },
  {
    method: 'GET',
    path: '/api/workflows/:id',
    handle: async (c, { workflows }) => c.json(viewGraph(await workflows.get(idOf(c)))),
  },
  {
    method: 'POST',
    path: '/api/workflows/:id/cancel',
    async handle(c, { workflows }) {
      return c.json(await workflows.cancel(idOf(c)))
    },
  },
  {
    method: 'POST',
    path: '/api/workflows/:id/retry',
    async handle(c, { workflows }) {
      return c.json(await workflows.retry(idOf(c)))
    },
  },
]
