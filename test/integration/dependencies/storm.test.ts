import { expect, test } from 'bun:test'
import { cancelTasks, discardTasks, reviveTasks } from '../../../src/shared/store/control.ts'
import { insertDependents, resolveDependents } from '../../../src/shared/store/dependencies.ts'
import { returnTasks, settleTasks } from '../../../src/shared/store/dispatch.ts'
import { isUnavailable } from '../../../src/shared/store/errors.ts'
import { createTestDatabase } from '../../support/database.ts'
import { randomFor } from '../../support/seed.ts'
import { claim, NOW, newTask, reportOf } from '../../support/store.ts'
import { type Graph, insertGraph, miscounted, resolveAll, runAll, statesByName } from './stand.ts'

const { sql } = await createTestDatabase()

const TASKS = 300
const FOR_MS = 4000
const random = randomFor('storm of dependencies')
const { pick } = random
const some = (items: string[], most: number) =>
  Array.from({ length: random.integer(1, most) }, () => pick(items))

/** Of a deadlock it says who waited for whom, and in which statement. */
const told = (error: unknown) => {
  const { code, message, detail, where } = error as Record<string, string | undefined>
  return [code, message, detail, where].filter(Boolean).join('; ')
}

/** Each after up to three of the fifty before it. */
function randomGraph(): Graph {
  const near = (n: number) => `t${Math.max(0, n - random.integer(1, 50))}`
  return Object.fromEntries(
    Array.from({ length: TASKS }, (_, n) => [
      `t${n}`,
      n < 10 ? [] : [...new Set(Array.from({ length: random.integer(1, 3) }, () => near(n)))],
    ]),
  )
}

test('whatever is done at once to tasks that depend on others, each waits for exactly what has not ended', async () => {
  const graph = randomGraph()
  const ids = Object.values(
    await insertGraph(sql, graph, () => ({ onParentFailure: pick(['fail', 'fail', 'skip', 'continue']) })),
  )
  const refusals: string[] = []
  let done = 0
  const deeds: (() => Promise<unknown>)[] = [
    async () => {
      const held = await claim(sql, 20)
      const reports = held.map((task) => reportOf(task, pick(['completed', 'completed', 'failed'])))
      await settleTasks(sql, reports, NOW)
    },
    async () => returnTasks(sql, await claim(sql, 5)),
    () => cancelTasks(sql, some(ids, 5)),
    () => reviveTasks(sql, some(ids, 20)),
    () => resolveDependents(sql, { parents: pick([1, 5, 500]), edges: pick([2, 10, 5000]) }),
    () => resolveDependents(sql),
    async () => {
      const task = newTask({ command: 'late', parents: 1 })
      const { stored } = await insertDependents(sql, [task], [{ taskId: task.id, dependsOn: pick(ids) }])
      if (stored) ids.push(task.id)
    },
    () => discardTasks(sql, some(ids, 2)),
    // Statistics that are out of date the moment after: statements must lock in the same order whatever is planned by them.
    () => sql.unsafe(`VACUUM ANALYZE ${pick(['task_records', 'held', 'ready', 'dependencies'])}`),
  ]
  const until = performance.now() + FOR_MS
  const act = async () => {
    while (performance.now() < until) {
      try {
        await pick(deeds)()
        done++
      } catch (error) {
        if (!isUnavailable(error)) throw error
        refusals.push(told(error))
      }
    }
  }
  await Promise.all(Array.from({ length: 8 }, act))
  expect(done).toBeGreaterThan(100)
  expect(refusals).toEqual([])

  await resolveAll(sql)
  expect(await miscounted(sql)).toEqual([])
  const stuck = await sql`
    SELECT d.task_id FROM dependencies d LEFT JOIN tasks p ON p.id = d.depends_on
    WHERE d.resolved_at IS NULL AND (p.id IS NULL OR p.state IN ('completed', 'failed', 'cancelled'))`
  expect([...stuck]).toEqual([])
  // Left alone, all of it comes to an end.
  await runAll(sql)
  const states = new Set(Object.values(await statesByName(sql)))
  for (const state of ['pending', 'assigned', 'running'] as const) expect(states.has(state)).toBe(false)
}, 60_000)
