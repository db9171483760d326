import { AppError } from '../../shared/core/error.ts'
import { readCounts } from '../../shared/store/counts.ts'
import { asAppError } from '../../shared/store/errors.ts'
import { listQueues } from '../../shared/store/queues.ts'
import { within } from '../deadline.ts'
import { createMetrics, type Figures, METERED_QUEUES } from '../metrics.ts'
import type { Services } from '../services.ts'
import type { Route } from './route.ts'

/** ms that the figures may take: shorter than those who scrape wait. */
const FIGURES_MS = 5000
const AWAY = 'The database took too long.'

/** What operators ask: whether it is well, and its figures. */
export function operationRoutes(): Route[] {
  const metrics = createMetrics()
  return [
    { method: 'GET', path: '/healthz', handle: (c) => c.json({ status: 'ok' }) },
    {
      method: 'GET',
      path: '/readyz',
      async handle(c, { health }) {
        const { missing, health: view } = await health.readiness()
        const { state, message } = view
        if (missing.length === 0) return c.json({ status: 'ready', health: state, message })
        const error = `not ready: missing ${missing.join(' and ')}${message ? `. ${message}` : ''}`
        const body = { error, code: 'unavailable', missing, health: state, message }
        return c.json(body, 503, { 'Retry-After': '1' })
      },
    },
    { method: 'GET', path: '/api/health', handle: async (c, { health }) => c.json(await health.look()) },
    { method: 'GET', path: '/api/audit', handle: async (c, { auditor }) => c.json(await auditor.run()) },
    {
      method: 'GET',
      path: '/metrics',
      async handle(c, services) {
        const figures = await within(FIGURES_MS, AWAY, readFigures(services)).catch((error) => {
          // Whoever watches must be told of a database that is away by what does not need it.
          if (asAppError(error) instanceof AppError) return null
          throw error
        })
        const text = await metrics.render(figures, services.health.view())
        return c.text(text, 200, { 'Content-Type': metrics.contentType })
      },
    },
  ]
}

async function readFigures({ sql, workers, due, auditor }: Services): Promise<Figures> {
  const [counts, live, dueTasks, queues] = await Promise.all([
    readCounts(sql),
    workers.list({}),
    due(),
    listQueues(sql, null, METERED_QUEUES),
  ])
  return { counts, workers: live, due: dueTasks, queues, audit: auditor.latest() }
}
