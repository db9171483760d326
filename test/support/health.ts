import type { HealthView } from '../../src/scheduler/operations/health/view.ts'

const part = { state: 'ok' as const, message: null, code: null, since: '2026-01-01T00:00:00.000Z' }

/** How a system says it is when nothing is wrong. */
export const HEALTHY: HealthView = {
  ...part,
  database: part,
  feed: part,
  coordinators: [
    {
      ...part,
      id: '00000000-0000-4000-8000-000000000000',
      address: 'localhost:8080',
      waiting: 0,
      troubles: [],
    },
  ],
  reports_waiting: 0,
  database_age_ms: 5,
  feed_age_ms: 5,
}
