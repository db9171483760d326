import { expect, test } from 'bun:test'
import { type System, startSystem } from '../support/system.ts'

const FLOOD_MS = 2500
const AGEING_MS = 500
const LOW = 400

/** Keeps CRITICAL tasks waiting, always more than there is room for, for so long. */
async function flood(system: System, fields: object) {
  const until = performance.now() + FLOOD_MS

  while (performance.now() < until) {
    const [row] = await system.sql<{ waiting: number }[]>`
      SELECT count(*)::int AS waiting FROM tasks WHERE state = 'pending' AND priority = 3`
    if (row!.waiting < 300) {
      await system.post('/api/schedule/batch', { count: 300, priority: 'CRITICAL', ...fields })
    }
  }
}

/** Of what was given a place since then, how many were LOW; and of all until then. */
async function claimed({ sql }: System, since: Date) {
  const [row] = await sql<{ low: number; all: number; before: number }[]>`
    SELECT count(*) FILTER (WHERE priority = 0 AND picked_at >= ${since})::int AS low,
      count(*) FILTER (WHERE picked_at >= ${since})::int AS all,
      count(*) FILTER (WHERE priority = 0 AND picked_at < ${since})::int AS before
    FROM tasks WHERE picked_at IS NOT NULL`
  return row!
}

async function underFlood(ageing: string, fields: object = {}) {
  const system = await startSystem({ env: { PRIORITY_AGEING: ageing, TASK_PROCESS_TIME: '20' } })
  await system.post('/api/schedule/batch', { count: LOW, priority: 'LOW', ...fields })
  const [low] = await system.sql<{ at: Date }[]>`SELECT max(due_at) AS at FROM tasks WHERE priority = 0`
  await system.post('/api/schedule/batch', { count: 300, priority: 'CRITICAL', ...fields })
  await system.startWorker('w1', { TASK_PROCESS_TIME: '20' })
  await flood(system, fields)
  return await claimed(system, new Date(low!.at.getTime() + AGEING_MS))
}

for (const [name, fields] of [
  ['of no key', {}],
  ['of one key', { concurrency_key: 'k' }],
  ['in a queue with a limit', { queue: 'mail' }],
] as const)
  test(`under a flood of CRITICAL tasks every tenth place goes to LOW ones that have aged: ${name}`, async () => {
    const { low, all, before } = await underFlood(String(AGEING_MS), fields)
    expect(before).toBe(0)
    expect(all).toBeGreaterThan(200)
    // The place after each nine others: at most nine are given before the first.
    expect(low).toBeGreaterThanOrEqual(Math.floor((all - 9) / 10))
    expect(low).toBeLessThan(all / 5)
  }, 60_000)

test('without ageing no LOW task starts while CRITICAL ones keep coming', async () => {
  const { low, all } = await underFlood('off')
  expect(all).toBeGreaterThan(200)
  expect(low).toBe(0)
}, 60_000)
