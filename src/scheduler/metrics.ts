import { Counter, Gauge, type Histogram, Registry } from 'prom-client'
import type { Queue } from '../shared/store/queues.ts'
import type { Worker } from '../shared/store/workers.ts'
import type { Audit } from './auditor.ts'
import type { HealthState, HealthView } from './operations/health/view.ts'
import { queueDepthOf, slotsOf } from './stats.ts'

export interface Figures {
  counts: Map<string, number>
  /** Live workers. */
  workers: Worker[]
  /** Tasks that are due and wait for a worker. */
  due: number
  /** METERED_QUEUES at most. */
  queues: Queue[]
  audit: { audit: Audit; ageMs: number } | null
}

export interface Metrics {
  contentType: string
  /** These figures in Prometheus' text format; null: the database is away, and only the health is known. */
  render(figures: Figures | null, health: HealthView): Promise<string>
}

/** States as numbers, so that alerts can compare them. */
const HEALTH_VALUES: Record<HealthState, number> = { ok: 1, degraded: 0.5, down: 0, unknown: Number.NaN }

/** Queues that have figures of their own, the first by name: callers name queues, and each name is a time series. */
export const METERED_QUEUES = 100

/** Upper bounds, in ms, of the buckets that sql/0001_baseline.sql counts in; the last is unbounded. */
const EDGES_MS = [1, 2, 4, 8, 16, 32, 64, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200]
/** 0.1 s · 2^0…9. */
const EXECUTION_EDGES_MS = EDGES_MS.slice(EDGES_MS.indexOf(100))

const PRIORITY_NAMES = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL', 'OTHER']

/**
 * Everything is counted by the database, where all services count together and no restart forgets; the
 * metrics only show it, as of the moment they are read.
 */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const healthRegistry = new Registry()
  let figures: Figures = { counts: new Map(), workers: [], due: 0, queues: [], audit: null }
  const count = (name: string) => figures.counts.get(name) ?? 0
  const registers = [registry]

  const counter = (name: string, help: string, read: () => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(Math.max(0, read()))
      },
    })
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })

  counter('taskmaster_tasks_submitted_total', 'Tasks submitted.', () =>
    PRIORITY_NAMES.reduce((sum, priority) => sum + count(`submitted:${priority}`), 0),
  )
  counter('taskmaster_tasks_completed_total', 'Tasks completed.', () => count('ever:completed'))
  counter('taskmaster_tasks_failed_total', 'Tasks failed for good.', () => count('ever:failed'))
  counter('taskmaster_tasks_cancelled_total', 'Tasks cancelled.', () => count('ever:cancelled'))
  new Counter({
    name: 'taskmaster_tasks_by_priority_total',
    help: 'Tasks submitted, by priority.',
    labelNames: ['priority'],
    registers,
    collect() {
      this.reset()
      for (const priority of PRIORITY_NAMES) this.inc({ priority }, count(`submitted:${priority}`))
    },
  })
  gauge('taskmaster_task_queue_length', 'Tasks that wait for their time, a worker or a slot.', () =>
    queueDepthOf(figures.counts),
  )
  gauge('taskmaster_tasks_pending', 'Tasks that wait for their time or a worker.', () => count('pending'))
  gauge(
    'taskmaster_tasks_due',
    'Tasks that are due and that more workers would start now.',
    () => figures.due,
  )
  gauge('taskmaster_tasks_running', 'Tasks that run now.', () => count('running'))
  gauge('taskmaster_worker_count', 'Live workers.', () => figures.workers.length)
  gauge(
    'taskmaster_workers_active',
    'Live workers that run something.',
    () => figures.workers.filter(({ runningTaskIds }) => runningTaskIds.length > 0).length,
  )
  gauge(
    'taskmaster_worker_slots',
    'Slots of live workers: tasks that they can run at once.',
    () => slotsOf(figures.workers).slots,
  )
  gauge(
    'taskmaster_worker_busy_slots',
    'Slots of live workers that run a task.',
    () => slotsOf(figures.workers).busy_slots,
  )
  const ofQueue = (name: string, help: string, read: (queue: Queue) => number) =>
    new Gauge({
      name: `taskmaster_queue_${name}`,
      help,
      labelNames: ['queue'],
      registers,
      collect() {
        this.reset()
        for (const queue of figures.queues) this.set({ queue: queue.name }, read(queue))
      },
    })
  ofQueue('held', 'Tasks of the queue that workers hold.', ({ held }) => held)
  ofQueue('due', 'Tasks of the queue that are due and wait for room or a worker.', ({ due }) => due)
  ofQueue('paused', 'Whether the queue is paused.', ({ pausedAt }) => Number(pausedAt !== null))
  const found = (name: string, help: string, read: (audit: Audit) => number) =>
    gauge(`taskmaster_audit_${name}`, help, () => (figures.audit ? read(figures.audit.audit) : 0))
  found('orphaned_tasks', 'Tasks held by workers that are gone.', (audit) => audit.orphaned_tasks)
  found('overdue_stops', 'Tasks that run and should have been stopped.', (audit) => audit.overdue_stops)
  found(
    'overfull_workers',
    'Workers that run more than their slots.',
    (audit) => audit.overfull_workers.length,
  )
  found('unstarted_tasks', 'Tasks of workers that start none of them with slots free.', (audit) =>
    audit.unstarted_workers.reduce((sum, { assigned }) => sum + assigned, 0),
  )
  found('counter_drift', 'By how much kept counts differ from the table.', ({ counters }) =>
    Object.values(counters.drifted).reduce((sum, { kept, counted }) => sum + Math.abs(kept - counted), 0),
  )
  found(
    'oldest_overdue_seconds',
    'How long the task that is due the longest waits.',
    (audit) => (audit.oldest_overdue_ms ?? 0) / 1000,
  )
  found('stalled', 'Whether a due task waits while workers are idle.', (audit) => Number(audit.stalled))
  found('findings', 'What the last audit found.', (audit) => audit.findings.length)
  gauge('taskmaster_audit_age_seconds', 'Since the last audit; NaN before the first.', () =>
    figures.audit ? figures.audit.ageMs / 1000 : Number.NaN,
  )
  registerHistogram(
    registry,
    'taskmaster_task_execution_seconds',
    'How long attempts ran.',
    EXECUTION_EDGES_MS,
    {
      bucket: (index) => count(`ran:${index}`),
      sumMs: () => count('ran_ms'),
    },
  )
  registerHistogram(registry, 'taskmaster_task_dispatch_seconds', 'How long due tasks waited.', EDGES_MS, {
    bucket: (index) => count(`waited:${index}`),
    sumMs: () => count('waited_ms'),
  })

  const showHealth = registerHealth(healthRegistry)

  return {
    contentType: registry.contentType,
    async render(now, health) {
      showHealth(health)
      if (!now) return await healthRegistry.metrics()
      figures = now
      return `${await registry.metrics()}\n${await healthRegistry.metrics()}`
    },
  }
}

function registerHealth(registry: Registry): (health: HealthView) => void {
  const registers = [registry]
  const gauge = (name: string, help: string) => new Gauge({ name: `taskmaster_${name}`, help, registers })
  const components = new Gauge({
    name: 'taskmaster_health',
    help: 'How each part is: 1 well, 0.5 degraded, 0 down, NaN unknown; of several coordinators, the best.',
    labelNames: ['component'],
    registers,
  })
  const coordinators = gauge('coordinators', 'Coordinators that are known.')
  const troubled = gauge('coordinators_troubled', 'Coordinators that are degraded or down.')
  const waiting = gauge('reports_waiting', 'Reports of workers that coordinators could not store so far.')
  const databaseAge = gauge(
    'database_age_seconds',
    'Since the database last answered; NaN when it never did.',
  )
  const feedAge = gauge('feed_age_seconds', 'Since notices were last known to arrive; NaN when never.')
  const seconds = (ms: number | null) => (ms === null ? Number.NaN : ms / 1000)

  return (health) => {
    const values = health.coordinators.map(({ state }) => HEALTH_VALUES[state])
    const known = values.filter((value) => !Number.isNaN(value))
    components.set({ component: 'system' }, HEALTH_VALUES[health.state])
    components.set({ component: 'database' }, HEALTH_VALUES[health.database.state])
    components.set({ component: 'feed' }, HEALTH_VALUES[health.feed.state])
    components.set({ component: 'coordinator' }, known.length > 0 ? Math.max(...known) : Number.NaN)
    coordinators.set(values.length)
    troubled.set(known.filter((value) => value < 1).length)
    waiting.set(health.reports_waiting)
    databaseAge.set(seconds(health.database_age_ms))
    feedAge.set(seconds(health.feed_age_ms))
  }
}

interface Kept {
  /** How many fell below EDGES_MS[index], and not below the edge before it. */
  bucket(index: number): number
  sumMs(): number
}

// prom-client's histogram can only observe; ours shows what was observed elsewhere, so it stands in for one.
function registerHistogram(registry: Registry, name: string, help: string, edgesMs: number[], kept: Kept) {
  const histogram = {
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    async get() {
      const upTo = (edges: number) => {
        let sum = 0
        for (let index = 0; index < edges; index++) sum += kept.bucket(index)
        return sum
      }
      const total = upTo(EDGES_MS.length + 1)
      const bucket = (le: number | string, value: number) => ({
        labels: { le },
        value,
        metricName: `${name}_bucket`,
      })
      return {
        name,
        help,
        type: 'histogram',
        aggregator: 'sum',
        values: [
          ...edgesMs.map((edge) => bucket(edge / 1000, upTo(EDGES_MS.indexOf(edge) + 1))),
          bucket('+Inf', total),
          { labels: {}, value: kept.sumMs() / 1000, metricName: `${name}_sum` },
          { labels: {}, value: total, metricName: `${name}_count` },
        ],
      }
    },
  }
  registry.registerMetric(histogram as unknown as Histogram)
}
