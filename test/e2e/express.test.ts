import { expect, test } from 'bun:test'
import { startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

test('tasks go by the express path, and none is lost or stored twice when its coordinator is killed meanwhile', async () => {
  const system = await startSystem({ workers: ['worker-1', 'worker-2'], env: { TASK_PROCESS_TIME: '1' } })
  const { sql } = system
  const isQuick = async (id: string) => {
    const rows = await sql`SELECT FROM tasks WHERE id = ${id} AND picked_at = created_at`
    return rows.length > 0
  }
  await waitFor(async () => isQuick(await system.submit()), { what: 'the express path to be open' })

  const ids: string[] = []
  let isOver = false
  const client = async () => {
    while (!isOver) ids.push(await system.submit())
  }
  const clients = Array.from({ length: 4 }, client)
  const grown = (by: number) => {
    const from = ids.length
    return waitFor(() => ids.length >= from + by, { what: `${by} more tasks to be accepted` })
  }
  await grown(40)
  system.coordinator.kill('SIGKILL')
  await system.coordinator.exited
  await grown(20)
  await system.restartCoordinator()
  await waitFor(async () => isQuick(ids.at(-1) ?? ''), { what: 'the express path to be open again' })
  isOver = true
  await Promise.all(clients)

  const rows = await system.ended(ids)
  expect(new Set(ids).size).toBe(ids.length)
  expect(rows.filter(({ state }) => state !== 'completed')).toEqual([])
  const [row] = await sql<{ count: number }[]>`SELECT count(*) FROM tasks`
  const [quick] = await sql<{ count: number }[]>`SELECT count(*) FROM tasks WHERE picked_at = created_at`
  expect(quick!.count).toBeGreaterThan(10)
  // The first ones were not noted.
  expect(row!.count).toBeGreaterThanOrEqual(ids.length)
  const { completed_tasks, total_tasks } = await system.get<Record<string, number>>('/api/stats')
  expect([completed_tasks, total_tasks]).toEqual([row!.count, row!.count])
})
