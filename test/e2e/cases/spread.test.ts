import { expect, test } from 'bun:test'
import { startFakeWorker } from '../../support/fake-worker.ts'
import { startSystem } from '../../support/system.ts'

const TASKS = 160
const SLOTS = 5
/** So long that what a busy machine takes longer is little beside it. */
const TAKES_MS = 1500

test('three own workers and one that knows only the unary calls share 160 tasks evenly, within one a slot', async () => {
  const system = await startSystem({
    workers: ['a', 'b', 'c'],
    env: { TASK_PROCESS_TIME: String(TAKES_MS), WORKER_POOL_SIZE: String(SLOTS) },
  })
  await startFakeWorker({ id: 77, coordinator: system.address, reports: true, takesMs: TAKES_MS })
  const ids = await system.burst(TASKS)
  const rows = await system.ended(ids, 60_000)
  expect(rows.every(({ state, failures }) => state === 'completed' && failures === 0)).toBeTrue()
  const shares = [...Map.groupBy(rows, ({ workerId }) => workerId).values()].map(({ length }) => length)
  expect(shares).toHaveLength(4)
  const even = TASKS / 4
  expect(shares.filter((share) => Math.abs(share - even) > SLOTS)).toEqual([])
}, 90_000)
