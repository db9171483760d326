import type { Context } from 'hono'
import { editQueueInput, pauseQueueInput, queueNameInput } from '../queues/input.ts'
import { viewQueue } from '../queues/views.ts'
import { parse } from '../schemas.ts'
import { readJson } from './body.ts'
import type { Env, Route } from './route.ts'

const nameOf = (c: Context<Env>) => parse(queueNameInput, { queue: c.req.param('name') }).queue

const read = (c: Context<Env>) => readJson(c.req.raw)

/** Who pauses may be left out, and the body with it. */
const readPause = async (c: Context<Env>) => (c.req.header('content-type') ? await read(c) : {})

export const queueRoutes: Route[] = [
  {
    method: 'GET',
    path: '/api/queues',
    handle: async (c, { queues }) => c.json((await queues.list()).map(viewQueue)),
  },
  {
    method: 'GET',
    path: '/api/queues/:name',
    handle: async (c, { queues }) => c.json(viewQueue(await queues.get(nameOf(c)))),
  },
  {
    method: 'PATCH',
    path: '/api/queues/:name',
    handle: async (c, { queues }) =>
      c.json(viewQueue(await queues.edit(nameOf(c), parse(editQueueInput, await read(c))))),
  },
  {
    method: 'POST',
    path: '/api/queues/:name/pause',
    handle: async (c, { queues }) =>
      c.json(viewQueue(await queues.pause(nameOf(c), parse(pauseQueueInput, await readPause(c))))),
  },
  {
    method: 'POST',
    path: '/api/queues/:name/resume',
    handle: async (c, { queues }) => c.json(viewQueue(await queues.resume(nameOf(c)))),
  },
]
