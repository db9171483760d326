import { expect, test } from 'bun:test'
import { startSystem } from '../support/system.ts'

test('a task that was submitted in SQL starts within a moment of its commit, and one that was rolled back never', async () => {
  // Nothing but the notice of the commit can tell the coordinator in time.
  const system = await startSystem({
    workers: ['worker-1'],
    env: { TASK_PROCESS_TIME: '1', SCAN_INTERVAL: '600000' },
  })
  await system.ended([await system.submit()]) // warm
  const submitted: string[] = []
  const undone: string[] = []
  await system.sql
    .begin(async (tx) => {
      undone.push((await tx`SELECT submit('undone') AS id`)[0]?.id)
      throw new Error('undone')
    })
    .catch(() => {})
  const committedAt: number[] = []
  for (let index = 0; index < 10; index++) {
    await system.sql.begin(async (tx) => {
      submitted.push((await tx`SELECT submit(${`task ${index}`}) AS id`)[0]?.id)
    })
    committedAt.push(Date.now())
    const [row] = await system.ended(submitted.slice(-1))
    expect(row?.state).toBe('completed')
    expect(row!.startedAt!.getTime() - committedAt[index]!).toBeLessThan(2000)
  }
  const [many] = await system.sql<{ ids: string[] }[]>`
    SELECT submit_many(jsonb_agg(jsonb_build_object('command', 'many ' || n))) AS ids FROM generate_series(1, 200) AS n`
  const rows = await system.ended(many!.ids)
  expect(rows.every(({ state, attempt }) => state === 'completed' && attempt === 1)).toBe(true)
  expect(await system.rows(undone)).toEqual([])
  // What depends on a task that has ended already runs as soon.
  const [child] = await system.sql<
    { id: string }[]
  >`SELECT submit('child', depends_on => ${submitted.slice(0, 2)}::uuid[]) AS id`
  expect(await system.ended([child!.id])).toMatchObject([{ state: 'completed' }])
})

test('a transaction that stays open keeps nobody waiting', async () => {
  const system = await startSystem({ workers: ['worker-1'], env: { TASK_PROCESS_TIME: '1' } })
  const keyed = { queue: 'keyed', concurrency_key: 'k' }
  const limit = await fetch(`http://127.0.0.1:${system.scheduler.port}/api/queues/keyed`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ key_concurrency: 1 }),
  })
  expect(limit.status).toBe(200)
  // With one that runs and one that waits for it.
  const parents = [await system.submit({ durationMs: 500, ...keyed }), await system.submit(keyed)]
  const child = await system.sql.begin(async (tx) => {
    await tx`SELECT submit('held', queue => 'keyed', concurrency_key => 'k')`
    await tx`SELECT submit('held', queue => 'new')`
    await tx`SELECT submit('held', idempotency_key => 'same')`
    const [row] = await tx<{ id: string }[]>`SELECT submit('child', depends_on => ${parents}::uuid[]) AS id`
    const others = await Promise.all([
      system.submit(keyed),
      system.submit({ queue: 'new' }),
      system.submit({ command: 'stranger' }),
      ...(await system.burst(20)),
    ])
    await system.ended([...parents, ...others])
    return row!.id
  })
  expect(await system.ended([child])).toMatchObject([{ state: 'completed' }])
})
