import { beforeEach, expect, test } from 'bun:test'
import { cancelTasks, discardTasks, hastenTasks, reviveTasks } from '../../../src/shared/store/control.ts'
import { findRelatives, insertDependents, resolveDependents } from '../../../src/shared/store/dependencies.ts'
import { deleteEnded } from '../../../src/shared/store/retention.ts'
import { findTask } from '../../../src/shared/store/tasks.ts'
import { createTestDatabase } from '../../support/database.ts'
import { claim, hold, insert, newTask, reset } from '../../support/store.ts'
import { insertGraph, miscounted, resolveAll, runAll, runReady, statesByName } from './stand.ts'

const { sql } = await createTestDatabase()
beforeEach(() => reset(sql))

const fails =
  (...names: string[]) =>
  (name: string) =>
    names.includes(name) ? ('failed' as const) : ('completed' as const)

test('a task starts only after all that it depends on have completed', async () => {
  await insertGraph(sql, { a: [], b: ['a'], c: ['a'], d: ['b', 'c'], e: [] })
  expect(await runAll(sql)).toEqual([['a', 'e'], ['b', 'c'], ['d']])
  expect(await miscounted(sql)).toEqual([])
})

test('what depends on something that failed fails with it, all the way down, and says because of which', async () => {
  const ids = await insertGraph(sql, { a: [], b: ['a'], c: ['b'], d: ['a', 'e'], e: [] })
  expect(await runAll(sql, fails('a'))).toEqual([['a', 'e']])
  expect(await statesByName(sql)).toEqual({
    a: 'failed',
    b: 'failed',
    c: 'failed',
    d: 'failed',
    e: 'completed',
  })
  expect((await findTask(sql, ids.c!))!.error).toBe(`depends on ${ids.b}, which failed`)
  expect(await miscounted(sql)).toEqual([])
})

test('a task that is to be skipped is cancelled instead, and one that is to go on runs all the same', async () => {
  const policies = { s: 'skip', g: 'continue' } as const
  const ids = await insertGraph(sql, { a: [], s: ['a'], g: ['a', 's'], f: ['s'] }, (name) => ({
    onParentFailure: policies[name as 's' | 'g'] ?? 'fail',
  }))
  expect(await runAll(sql, fails('a'))).toEqual([['a'], ['g']])
  expect(await statesByName(sql)).toEqual({ a: 'failed', s: 'cancelled', g: 'completed', f: 'failed' })
  expect((await findTask(sql, ids.s!))!.error).toBe(`depends on ${ids.a}, which failed`)
  expect((await findTask(sql, ids.f!))!.error).toBe(`depends on ${ids.s}, which was cancelled`)
})

test('a task may depend on one that exists, whether that waits, runs or has ended', async () => {
  const held = await hold(sql, { command: 'held' })
  const [ended] = await insert(sql, 1, { command: 'ended' })
  await runReady(sql)
  const [waiting] = await insert(sql, 1, {
    command: 'waiting',
    scheduledAt: new Date(Date.now() + 3_600_000),
  })
  await insertGraph(sql, {
    x: [held.taskId],
    y: [ended!],
    z: [waiting!],
    all: [held.taskId, ended!, waiting!],
  })
  expect(await runAll(sql)).toEqual([['y']])
  await cancelTasks(sql, [waiting!])
  expect(await runAll(sql)).toEqual([])
  expect(await statesByName(sql)).toMatchObject({ x: 'pending', z: 'failed', all: 'failed' })
})

test('when a task that is depended on does not exist, nothing is stored and the task is named', async () => {
  const [there] = await insert(sql, 1, { command: 'there' })
  const [gone, task] = [crypto.randomUUID(), newTask({ parents: 2 })]
  const edges = [there!, gone].map((dependsOn) => ({ taskId: task.id, dependsOn }))
  expect(await insertDependents(sql, [task], edges, { id: crypto.randomUUID(), name: '' })).toEqual({
    stored: false,
    missing: [gone],
  })
  const [left] =
    await sql`SELECT (SELECT count(*) FROM tasks) AS tasks, (SELECT count(*) FROM dependencies) AS edges,
    (SELECT count(*) FROM workflows) AS workflows, (SELECT count(*) FROM tasks WHERE has_dependents) AS marked`
  expect(left).toEqual({ tasks: 1, edges: 0, workflows: 0, marked: 0 })
})

test('a task that waits for others is not claimed, however it is hastened, and is due from when it may run', async () => {
  const ids = await insertGraph(sql, { a: [], b: ['a'] })
  await hastenTasks(sql, [ids.b!])
  expect(await runReady(sql)).toEqual(['a'])
  expect(await claim(sql, 5)).toEqual([])
  const before = Date.now()
  await resolveAll(sql)
  const { dueAt } = (await findTask(sql, ids.b!))!
  expect(Math.abs(dueAt.getTime() - before)).toBeLessThan(2000)
  expect(await runReady(sql)).toEqual(['b'])
})

test('ten thousand that wait for one are told in turns', async () => {
  const children = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`c${n}`, ['p']]))
  await insertGraph(sql, { p: [], ...children })
  await runReady(sql)
  let turns = 0
  while ((await resolveDependents(sql, { edges: 3000 })) > 0) turns++
  expect(turns).toBeGreaterThanOrEqual(4)
  const [row] = await sql<
    { ready: number }[]
  >`SELECT count(*) AS ready FROM tasks WHERE state = 'pending' AND waits_for = 0`
  expect(row!.ready).toBe(10_000)
})

test('in a chain of a thousand the end fails with the beginning, and comes back with it', async () => {
  const chain = Object.fromEntries(
    Array.from({ length: 1000 }, (_, n) => [`t${n}`, n === 0 ? [] : [`t${n - 1}`]]),
  )
  const ids = await insertGraph(sql, chain)
  await runReady(sql, fails('t0'))
  await resolveAll(sql)
  expect((await findTask(sql, ids.t999!))!.state).toBe('failed')
  expect(await reviveTasks(sql, [ids.t0!])).toEqual([ids.t0!])
  expect(await findTask(sql, ids.t999!)).toMatchObject({ state: 'pending', waitsFor: 1, error: null })
  expect(await miscounted(sql)).toEqual([])
  expect(await runReady(sql)).toEqual(['t0'])
}, 60_000)

test('retrying a task brings back what ended because of it, and only that', async () => {
  const ids = await insertGraph(sql, { a: [], x: [], b: ['a'], c: ['b'], both: ['a', 'x'], mine: ['a'] })
  await cancelTasks(sql, [ids.mine!])
  await runAll(sql, fails('a', 'x'))
  expect(await statesByName(sql)).toMatchObject({
    b: 'failed',
    c: 'failed',
    both: 'failed',
    mine: 'cancelled',
  })

  expect(await reviveTasks(sql, [ids.a!])).toEqual([ids.a!])
  expect(await statesByName(sql)).toMatchObject({
    a: 'pending',
    b: 'pending',
    c: 'pending',
    both: 'failed',
    mine: 'cancelled',
  })
  expect(await miscounted(sql)).toEqual([])
  expect(await runAll(sql)).toEqual([['a'], ['b'], ['c']])

  await reviveTasks(sql, [ids.x!])
  expect(await runAll(sql)).toEqual([['x'], ['both']])
  expect(await miscounted(sql)).toEqual([])
})

test('a dependent that is retried by hand runs all the same, but not before what still runs', async () => {
  const ids = await insertGraph(sql, { a: [], b: ['a'], c: ['a'] })
  await runAll(sql, fails('a'))
  await reviveTasks(sql, [ids.b!])
  expect(await runAll(sql)).toEqual([['b']])
  await reviveTasks(sql, [ids.a!])
  expect(await statesByName(sql)).toEqual({ a: 'pending', b: 'completed', c: 'pending' })
})

test('a whole workflow that was cancelled and is retried keeps its order', async () => {
  const ids = await insertGraph(sql, { a: [], b: ['a'], c: ['b'] })
  await cancelTasks(sql, Object.values(ids))
  await reviveTasks(sql, Object.values(ids))
  await resolveAll(sql)
  expect(await runAll(sql)).toEqual([['a'], ['b'], ['c']])
})

test('a task that is retried before its dependents heard of its failure does not take them with it', async () => {
  const ids = await insertGraph(sql, { a: [], b: ['a'] })
  await runReady(sql, fails('a'))
  await reviveTasks(sql, [ids.a!])
  await resolveAll(sql)
  expect(await statesByName(sql)).toEqual({ a: 'pending', b: 'pending' })
  expect(await runAll(sql)).toEqual([['a'], ['b']])
})

test('dependents hear of the end of a task that was discarded meanwhile', async () => {
  const ids = await insertGraph(sql, { a: [], b: ['a'], c: ['b'] })
  await runReady(sql)
  await discardTasks(sql, [ids.a!])
  expect(await runAll(sql)).toEqual([['b'], ['c']])
  await discardTasks(sql, [ids.b!, ids.c!])
  const [left] =
    await sql`SELECT (SELECT count(*) FROM dependencies) AS edges, (SELECT count(*) FROM ended_parents) AS ended`
  expect(left).toEqual({ edges: 0, ended: 0 })
})

test('what is kept long enough goes with its dependencies, and a workflow with the last of its tasks', async () => {
  const workflowId = crypto.randomUUID()
  const [a, b] = [newTask({ workflowId, hasDependents: true }), newTask({ workflowId, parents: 1 })]
  await insertDependents(sql, [a, b], [{ taskId: b.id, dependsOn: a.id }], { id: workflowId, name: 'w' })
  const left = async () => {
    const [row] =
      await sql`SELECT (SELECT count(*) FROM tasks) AS tasks, (SELECT count(*) FROM dependencies) AS edges,
      (SELECT count(*) FROM workflows) AS workflows`
    return row
  }
  const forget = () => deleteEnded(sql, 'completed', { ageMs: 0, limit: 10 })
  await runReady(sql)
  expect(await forget()).toBe(1)
  expect(await left()).toEqual({ tasks: 1, edges: 1, workflows: 1 })
  await runAll(sql)
  expect(await forget()).toBe(1)
  expect(await left()).toEqual({ tasks: 0, edges: 0, workflows: 0 })
})

test('a task knows what it waits for and what waits for it', async () => {
  const ids = await insertGraph(sql, { a: [], b: ['a'], c: ['a'] })
  const relatives = await findRelatives(sql, ids.a!)
  expect(relatives).toMatchObject({ dependsOn: [], dependentsCount: 2 })
  expect(relatives.dependents.map(({ command, state }) => [command, state])).toEqual([
    ['b', 'pending'],
    ['c', 'pending'],
  ])
  expect((await findRelatives(sql, ids.b!)).dependsOn).toMatchObject([{ taskId: ids.a, state: 'pending' }])
})

test('resolving in several places at once tells everybody once', async () => {
  const graph: Record<string, string[]> = {}
  for (let n = 0; n < 300; n++)
    graph[`t${n}`] =
      n < 30
        ? []
        : [3, 7, 11]
            .map((step) => `t${Math.floor(((n - step) * ((n * step) % 10)) / 10)}`)
            .filter((v, i, all) => all.indexOf(v) === i)
  await insertGraph(sql, graph)
  for (let round = 0; round < 400; round++) {
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        while ((await resolveDependents(sql, { parents: 3 })) > 0);
      }),
    )
    if ((await runReady(sql)).length === 0) break
  }
  expect(new Set(Object.values(await statesByName(sql)))).toEqual(new Set(['completed']))
  expect(await miscounted(sql)).toEqual([])
})
