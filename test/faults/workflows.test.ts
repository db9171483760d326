import { expect, test } from 'bun:test'
import { newTask } from '../../src/shared/core/task.ts'
import { type Edge, insertDependents } from '../../src/shared/store/dependencies.ts'
import { waitFor } from '../support/wait.ts'
import { addressOf, createStand, freePorts } from './stand.ts'

const LAYERS = 12
const WIDTH = 25
const ROUNDS = 4

test('coordinators killed while a workflow runs: everything ends once, and nothing starts before what it depends on has', async () => {
  const stand = await createStand()
  const ports = await freePorts(2)
  const start = () => Promise.all(ports.map((port) => stand.coordinator({ COORDINATOR_PORT: String(port) })))
  let coordinators = await start()
  const to = ports.map((port) => addressOf({ port }))
  await Promise.all(['a', 'b', 'c'].map((name) => stand.worker(name, to)))

  const layers = Array.from({ length: LAYERS }, () => Array.from({ length: WIDTH }, () => Bun.randomUUIDv7()))
  const edges: Edge[] = layers
    .slice(1)
    .flatMap((layer, above) =>
      layer.flatMap((taskId, n) =>
        [0, 1, 7].map((step) => ({ taskId, dependsOn: layers[above]![(n + step) % WIDTH]! })),
      ),
    )
  const tasks = layers.flatMap((layer, depth) =>
    layer.map((id) =>
      newTask({
        ...{ id, command: 'x', payload: { duration_ms: 10 }, scheduledAt: new Date(), delayMs: 0 },
        ...{ parents: depth === 0 ? 0 : 3, hasDependents: depth < LAYERS - 1 },
      }),
    ),
  )
  expect(await insertDependents(stand.sql, tasks, edges)).toEqual({ stored: true, missing: [] })

  const completed = async () => {
    const [row] = await stand.sql<{ count: number }[]>`SELECT count(*) FROM tasks WHERE state = 'completed'`
    return row!.count
  }
  for (let round = 1; round <= ROUNDS; round++) {
    // In the midst of it: ends are told, others are not yet.
    const goal = (round * tasks.length) / (ROUNDS + 2)
    await waitFor(async () => (await completed()) >= goal, { what: `${goal} tasks`, timeoutMs: 30_000 })
    for (const coordinator of coordinators) coordinator.kill('SIGKILL')
    await Promise.all(coordinators.map(({ exited }) => exited))
    coordinators = await start()
  }
  await waitFor(async () => (await completed()) === tasks.length, {
    what: 'every task to complete',
    timeoutMs: 30_000,
  })

  const attempts = new Map(
    (await stand.sql<{ id: string; attempt: number }[]>`SELECT id, attempt FROM tasks`).map((row) => [
      row.id,
      row.attempt,
    ]),
  )
  const starts = new Map<string, number>()
  const ends = new Map<string, number>()
  for (const { taskId, attempt, event, at } of await stand.history()) {
    if (event === 'start') starts.set(taskId, Math.min(at, starts.get(taskId) ?? at))
    if (event === 'completed' && attempt === attempts.get(taskId)) ends.set(taskId, at)
  }
  const early = edges.filter(({ taskId, dependsOn }) => starts.get(taskId)! < ends.get(dependsOn)!)
  expect({ tasks: ends.size, early }).toEqual({ tasks: tasks.length, early: [] })
  const [left] = await stand.sql`SELECT (SELECT count(*) FROM ended_parents) AS untold,
    (SELECT count(*) FROM dependencies WHERE resolved_at IS NULL) AS open, (SELECT sum(waits_for) FROM tasks) AS waiting`
  expect(left).toEqual({ untold: 0, open: 0, waiting: 0 })
}, 120_000)
