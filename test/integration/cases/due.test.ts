import { beforeEach, expect, test } from 'bun:test'
import { join } from 'node:path'
import { createAutoscaler } from '../../../src/scheduler/autoscale/autoscaler.ts'
import { createDue } from '../../../src/scheduler/due.ts'
import { countDue } from '../../../src/shared/store/due.ts'
import { limitQueue, pauseQueue } from '../../../src/shared/store/queues.ts'
import { claim, insert, register, reset } from '../../support/store.ts'
import { createStand } from '../scheduler/stand.ts'

const stand = await createStand()
const { sql, get } = stand
const ROOT = join(import.meta.dir, '../../..')
const TOMORROW = new Date(Date.now() + 86_400_000)

beforeEach(async () => {
  await reset(sql)
  await sql`DELETE FROM queues WHERE name <> 'default'`
  await register(sql, 1)
  // What was counted before may be told for a moment.
  stand.services.due = createDue(sql)
})

interface Autoscaling {
  spec: {
    metrics: { external: { metric: { name: string } } }[]
    triggers: { metadata: { valueLocation: string } }[]
  }
}
const manifest = async (path: string) =>
  Bun.YAML.parse(await Bun.file(join(ROOT, 'deploy', path)).text()) as Autoscaling

/** Every figure that something scales by, or shows as what waits, by where it is named. */
async function figures(): Promise<Record<string, number>> {
  const metrics = (await get('/metrics')).body as string
  const gauge = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1])
  const found: Record<string, number> = {}
  for (const { external } of (await manifest('kubernetes/base/worker-autoscaling.yaml')).spec.metrics)
    found[`hpa ${external.metric.name}`] = gauge(external.metric.name)
  const stats = (await get('/api/stats')).body as Record<string, number>
  for (const { metadata } of (await manifest('kubernetes/overlays/keda/scaled-object.yaml')).spec.triggers)
    found[`keda ${metadata.valueLocation}`] = stats[metadata.valueLocation]!
  const { panels } = (await Bun.file(join(ROOT, 'deploy/grafana/dashboards/taskmaster.json')).json()) as {
    panels: { title: string; targets: { expr: string }[] }[]
  }
  const expr = panels.find(({ title }) => title === 'Due')?.targets[0]?.expr ?? 'none'
  found[`grafana ${expr}`] = gauge(expr)
  const policy = { min: 1, max: 50, targetWaitMs: 1, coolDownMs: 60_000 }
  const autoscaler = createAutoscaler({
    ...stand.services,
    fleet: { isScalable: true },
    policy,
    intervalMs: 0,
  })
  await autoscaler.tick()
  found['own autoscaler'] = Number(/(\d+) tasks? waits? /.exec(autoscaler.status().reason ?? '')?.[1] ?? 0)
  return found
}

const all = (due: number, busy = 0) => ({
  'hpa taskmaster_tasks_due': due,
  'hpa taskmaster_worker_busy_slots': busy,
  'keda due_tasks': due,
  'keda busy_slots': busy,
  'grafana taskmaster_tasks_due': due,
  'own autoscaler': due,
})

test('with 500 tasks for tomorrow, every figure that workers are scaled by is 0', async () => {
  await insert(sql, 500, { scheduledAt: TOMORROW })
  expect(await figures()).toEqual(all(0))
})

test('what is due is counted alike by all that scale', async () => {
  await insert(sql, 500, { scheduledAt: TOMORROW })
  await insert(sql, 20)
  expect(await figures()).toEqual(all(20))
})

test('what runs keeps its workers, and does not wait', async () => {
  await insert(sql, 3)
  await claim(sql, 3)
  await sql`UPDATE tasks SET started_at = picked_at, slot = 1`
  expect(await figures()).toEqual(all(0, 3))
})

test('of a queue with limits what still has room is counted, and nothing of one that is paused', async () => {
  await insert(sql, 10, { queue: 'small' })
  await insert(sql, 10, { queue: 'paused' })
  await limitQueue(sql, 'small', { concurrency: 4 })
  await pauseQueue(sql, 'paused', null)
  expect(await countDue(sql, 1000)).toBe(4)
  await limitQueue(sql, 'small', { concurrency: null, rate: 3, ratePeriodMs: 60_000 })
  expect(await countDue(sql, 1000)).toBe(3)
})

test('of a key as many are counted as may run of it at once', async () => {
  for (const concurrencyKey of ['a', 'b']) await insert(sql, 5, { queue: 'keyed', concurrencyKey })
  await insert(sql, 5, { queue: 'keyed', concurrencyKey: 'c', scheduledAt: TOMORROW })
  expect(await countDue(sql, 1000)).toBe(10)
  await limitQueue(sql, 'keyed', { keyConcurrency: 1 })
  expect(await countDue(sql, 1000)).toBe(2)
})

test('what no worker of those that are there can run is not counted, and all is while there is none', async () => {
  await insert(sql, 7, { labels: ['gpu'] })
  expect(await countDue(sql, 1000)).toBe(0)
  await sql`UPDATE workers SET offline_at = now()`
  expect(await countDue(sql, 1000)).toBe(7)
})
