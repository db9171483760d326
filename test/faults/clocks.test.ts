import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { addressOf, createStand } from './stand.ts'

const PRELOAD = join(import.meta.dir, '../../src/cli/chaos/skewed-clock.ts')
const MINUTE_MS = 60_000

/** The wall clock of such a service is wrong by so much. */
const skewed = (ms: number) => ({
  BUN_OPTIONS: `--preload=${PRELOAD}`,
  CHAOS_SKEW_MS: String(ms),
  // A tenth of what the clocks are wrong by, and more than a busy machine takes to beat.
  HEARTBEAT_INTERVAL: '2000',
})

async function post(port: number, path: string, body: object): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(response.status).toBe(200)
  const { task_id } = (await response.json()) as { task_id: string }
  return task_id
}

for (const [what, coordinatorMs, schedulerMs, workerMs] of [
  ['ahead of', MINUTE_MS, MINUTE_MS, MINUTE_MS],
  ['behind', -MINUTE_MS, -MINUTE_MS, -MINUTE_MS],
  ['on both sides of', MINUTE_MS, -MINUTE_MS, 0],
] as const) {
  test(`services a minute ${what} the database's clock run tasks at their time all the same`, async () => {
    const stand = await createStand()
    const coordinator = await stand.coordinator(skewed(coordinatorMs))
    const to = [addressOf(coordinator)]
    const scheduler = await stand.scheduler(to, skewed(schedulerMs))
    const worker = await stand.worker('skewed', to, skewed(workerMs))
    if (workerMs !== 0) {
      const at = Date.parse(String(worker.logs[0]?.time))
      expect(Math.abs(at - Date.now() - workerMs)).toBeLessThan(MINUTE_MS / 2)
    }

    const now = await post(scheduler.port, '/tasks', { command: 'x', payload: { duration_ms: 1000 } })
    const askedAt = Date.now()
    const started = await stand.happened(now, 1, 'start')
    expect(started.at - askedAt).toBeLessThan(3000)
    const ended = await stand.until(now, { state: 'completed' })
    const ranMs = Number(ended.completedAt) - Number(ended.startedAt)
    // Each end is known as well as the statement that wrote it was quick.
    expect(ranMs).toBeGreaterThan(500)
    expect(ranMs).toBeLessThan(5000)

    const dueAt = Date.now() + 1500
    const scheduled_at = new Date(dueAt).toISOString()
    const later = await post(scheduler.port, '/api/schedule', {
      command: 'x',
      scheduled_at,
      payload: { duration_ms: 0 },
    })
    const { at } = await stand.happened(later, 1, 'start')
    expect(at).toBeGreaterThanOrEqual(dueAt - 1)
    expect(at).toBeLessThan(dueAt + 3000)

    // A lease is judged by the database's clock alone: nobody was taken for dead.
    await stand.until(later, { state: 'completed', attempt: 1 })
    expect(await stand.sql`SELECT FROM workers WHERE offline_at IS NOT NULL`).toHaveLength(0)
    expect(await stand.past(now)).toEqual([])
  })
}
