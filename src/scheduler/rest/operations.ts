import { readCounts } from '../../shared/store/counts.ts'
import { listQueues } from '../../shared/store/queues.ts'
import { createMetrics, METERED_QUEUES } from '../metrics.ts'
import type { Route } from './route.ts'

/** What operators ask: whether it is well, and its figures. */
export function operationRoutes(): Route[] {
  const metrics = createMetrics()
  return [
    { method: 'GET', path: '/healthz', handle: (c) => c.json({ status: 'ok' }) },
    {
      method: 'GET',
      path: '/readyz',
      async handle(c, { health }) {
        const missing = await health.missing()
        if (missing.length === 0) return c.json({ status: 'ready' })
        const error = `not ready: no answer from ${missing.join(' and ')}`
        return c.json({ error, code: 'unavailable', missing }, 503, { 'Retry-After': '1' })
      },
    },
    { method: 'GET', path: '/api/audit', handle: async (c, { auditor }) => c.json(await auditor.run()) },
    {
      method: 'GET',
      path: '/metrics',
      async handle(c, { sql, workers, due, auditor }) {
        const [counts, live, dueTasks, queues] = await Promise.all([
          readCounts(sql),
          workers.list({}),
          due(),
          listQueues(sql, null, METERED_QUEUES),
        ])
        const figures = { counts, workers: live, due: dueTasks, queues, audit: auditor.latest() }
        return c.text(await metrics.render(figures), 200, { 'Content-Type': metrics.contentType })
      },
    },
  ]
}
