import type { NewTask, TaskState } from '../../../src/shared/core/task.ts'
import type { Sql } from '../../../src/shared/store/connect.ts'
import { type Edge, insertDependents, resolveDependents } from '../../../src/shared/store/dependencies.ts'
import { settleTasks } from '../../../src/shared/store/dispatch.ts'
import { claim, NOW, newTask, reportOf } from '../../support/store.ts'

/** A graph by names: each task, and those that it depends on. */
export type Graph = Record<string, string[]>

/** Stores a graph of tasks; the ids by name. What is depended on and is not in the graph must be an id. */
export async function insertGraph(
  sql: Sql,
  graph: Graph,
  more: (name: string) => Partial<NewTask> = () => ({}),
): Promise<Record<string, string>> {
  const ids = Object.fromEntries(Object.keys(graph).map((name) => [name, Bun.randomUUIDv7()]))
  const depended = new Set(Object.values(graph).flat())
  const tasks = Object.entries(graph).map(([name, parents]) =>
    newTask({
      ...{ id: ids[name]!, command: name, parents: parents.length, hasDependents: depended.has(name) },
      ...more(name),
    }),
  )
  const edges: Edge[] = Object.entries(graph).flatMap(([name, parents]) =>
    parents.map((parent) => ({ taskId: ids[name]!, dependsOn: ids[parent] ?? parent })),
  )
  const { stored, missing } = await insertDependents(sql, tasks, edges)
  if (!stored) throw new Error(`not stored: ${missing}`)
  return ids
}

/** Tells all dependents of what has ended. */
export async function resolveAll(sql: Sql): Promise<void> {
  while ((await resolveDependents(sql)) > 0);
}

/** Claims what may be claimed, and ends it as told by its name; those names, in order. */
export async function runReady(
  sql: Sql,
  outcome: (name: string) => 'completed' | 'failed' = () => 'completed',
): Promise<string[]> {
  const claimed = await claim(sql, 1000)
  const reports = claimed.map((task) => reportOf(task, outcome(task.command)))
  await settleTasks(sql, reports, NOW)
  return claimed.map(({ command }) => command).sort()
}

/** Runs until nothing is ready any more; the names of each round. */
export async function runAll(
  sql: Sql,
  outcome: (name: string) => 'completed' | 'failed' = () => 'completed',
): Promise<string[][]> {
  const rounds: string[][] = []
  for (;;) {
    await resolveAll(sql)
    const round = await runReady(sql, outcome)
    if (round.length === 0) return rounds
    rounds.push(round)
  }
}

/** The states of all tasks by name, with what an error says. */
export async function statesByName(sql: Sql): Promise<Record<string, TaskState>> {
  const rows = await sql<
    { command: string; state: TaskState }[]
  >`SELECT command, state FROM tasks ORDER BY command`
  return Object.fromEntries(rows.map(({ command, state }) => [command, state]))
}

/** Tasks whose `waits_for` is not the number of their open edges. */
export async function miscounted(sql: Sql): Promise<string[]> {
  const rows = await sql<{ command: string }[]>`
    SELECT command FROM tasks t
    WHERE waits_for <> (SELECT count(*) FROM dependencies d WHERE d.task_id = t.id AND d.resolved_at IS NULL)`
  return rows.map(({ command }) => command)
}
