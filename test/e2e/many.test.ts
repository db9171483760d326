import { expect, test } from 'bun:test'
import { startStreamWorker } from '../support/stream-worker.ts'
import { startSystem } from '../support/system.ts'

const WORKERS = 50
const SLOTS = 5

test('50 workers of 5 slots register and share 500 tasks', async () => {
  const system = await startSystem()
  const workers = await Promise.all(
    Array.from({ length: WORKERS }, (_, index) =>
      startStreamWorker({ id: index + 1, coordinator: system.address, slots: SLOTS, takesMs: 50 }),
    ),
  )
  const listed = await system.get<{ name: string; slots: number; online: boolean }[]>('/api/workers')
  expect(listed).toHaveLength(WORKERS)
  expect(listed.every(({ slots, online }) => online && slots === SLOTS)).toBeTrue()

  const ids = await system.burst(500)
  const rows = await system.ended(ids)
  expect(rows.every(({ state, attempt }) => state === 'completed' && attempt === 1)).toBeTrue()
  const ran = workers.map(({ runs }) => runs.length)
  console.log(`many: each of ${WORKERS} ran ${Math.min(...ran)} to ${Math.max(...ran)} of 500`)
  expect(Math.min(...ran)).toBeGreaterThanOrEqual(SLOTS)
  expect(workers.flatMap(({ runs }) => runs.map(({ taskId }) => taskId)).sort()).toEqual(ids.toSorted())
})
