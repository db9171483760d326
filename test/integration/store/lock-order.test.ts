import { expect, test } from 'bun:test'
import { newTask } from '../../../src/shared/core/task.ts'
import { cancelTasks, discardTasks, reviveTasks } from '../../../src/shared/store/control.ts'
import { claimTasks, retryTasks, returnTasks, settleTasks } from '../../../src/shared/store/dispatch.ts'
import { deleteEnded } from '../../../src/shared/store/retention.ts'
import { insertTasks } from '../../../src/shared/store/tasks.ts'
import { createTestDatabase } from '../../support/database.ts'

test('statements that have many tasks in common, in whatever order they are given, do not deadlock', async () => {
  const { sql } = await createTestDatabase()
  for (let round = 0; round < 10; round++) {
    const tasks = Array.from({ length: 1000 }, () =>
      newTask({ id: crypto.randomUUID(), command: 'x', scheduledAt: new Date(0), maxRetries: 1 }),
    )
    await insertTasks(sql, tasks)
    await claimTasks(sql, Array<number>(1000).fill(1))
    const ids = tasks.map(({ id }) => id)
    const backwards = ids.toReversed()
    const upper = ids.toSorted().map((id) => id.toUpperCase())
    const refs = ids.toSorted().map((taskId) => ({ taskId, attempt: 1 }))
    const reports = refs.toReversed().map((ref, index) => ({
      ...{ ...ref, workerId: 1, slot: 1, startedAt: 0, endedAt: 0, error: null, output: null },
      kind: index % 2 === 0 ? ('failed' as const) : ('completed' as const),
    }))
    const results = await Promise.allSettled([
      cancelTasks(sql, backwards),
      retryTasks(sql, reports, 0, { baseMs: 0, capMs: 0 }),
      settleTasks(sql, reports, 0),
      cancelTasks(sql, upper),
      returnTasks(sql, refs),
      reviveTasks(sql, ids),
      discardTasks(sql, backwards),
      deleteEnded(sql, 'failed', { ageMs: -1000, limit: 1000 }),
      deleteEnded(sql, 'cancelled', { ageMs: -1000, limit: 1000 }),
    ])
    expect(results.filter(({ status }) => status === 'rejected')).toEqual([])
  }
}, 60_000)
