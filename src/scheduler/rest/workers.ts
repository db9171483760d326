import { killInput, parse, scaleInput, workersInput } from '../schemas.ts'
import { readStats } from '../stats.ts'
import { viewAutoscaling, viewWorker } from '../views.ts'
import { readJson } from './body.ts'
import type { Route } from './route.ts'

export const workerRoutes: Route[] = [
  {
    method: 'GET',
    path: '/api/workers',
    async handle(c, { workers }) {
      const found = await workers.list(parse(workersInput, c.req.query()))
      return c.json(found.map(viewWorker))
    },
  },
  {
    method: 'GET',
    path: '/workers',
    async handle(c, { workers }) {
      const found = await workers.list(parse(workersInput, c.req.query()))
      return c.json({
        workers: found.map(viewWorker),
        worker_count: found.filter(({ online }) => online).length,
      })
    },
  },
  {
    method: 'GET',
    path: '/api/workers/autoscaling',
    handle: (c, { autoscaler }) => c.json(viewAutoscaling(autoscaler)),
  },
  {
    method: 'POST',
    path: '/api/workers/scale',
    async handle(c, { workers }) {
      const scaled = await workers.scale(parse(scaleInput, await readJson(c.req.raw)))
      return c.json({ ok: true, ...scaled, message: `Scaled to ${scaled.count} workers` })
    },
  },
  {
    method: 'POST',
    path: '/api/workers/kill',
    async handle(c, { workers }) {
      const killed = await workers.kill(parse(killInput, await readJson(c.req.raw)))
      return c.json({ ok: true, ...killed, message: `Killed worker ${killed.name}` })
    },
  },
  {
    method: 'GET',
    path: '/api/stats',
    handle: async (c, services) => c.json(await readStats(services)),
  },
]
