import { expect, test } from 'bun:test'
import { connect, type Sql } from '../../../src/shared/store/connect.ts'
import { discardTasks, reviveTasks } from '../../../src/shared/store/control.ts'
import { findRelatives, insertDependents, resolveDependents } from '../../../src/shared/store/dependencies.ts'
import { claimTasks } from '../../../src/shared/store/dispatch.ts'
import { listWorkflowEdges, listWorkflows, listWorkflowTasks } from '../../../src/shared/store/workflows.ts'
import { createTestDatabase } from '../../support/database.ts'
import { fillReady, withoutAutovacuum, withoutIndexes } from '../../support/fill.ts'
import { explain } from '../../support/plans.ts'
import { newTask } from '../../support/store.ts'

const database = await createTestDatabase()
const { sql } = database
const WORKFLOWS = 2000

// Fifty tasks in each workflow, each after the one before; the first has ended, with what all of them wait for told.
await withoutAutovacuum(sql)
await sql`INSERT INTO workflows (id, created_at) SELECT gen_random_uuid(), now() - n * interval '1 s' FROM generate_series(1, ${WORKFLOWS}) n`
await withoutIndexes(sql, ['task_records', 'ready'], async () => {
  await sql`
  INSERT INTO task_records (id, command, scheduled_at, due_at, workflow_id, workflow_key, parents, waits_for, has_dependents,
    picked_at, worker_id, attempt, started_at, completed_at)
  SELECT gen_random_uuid(), 'c', now() - interval '1 h', now() - interval '1 h', w.id, 't' || n, (n > 0)::int, (n > 1)::int, true,
    CASE WHEN n = 0 THEN now() END, CASE WHEN n = 0 THEN 1 END, (n = 0)::int, CASE WHEN n = 0 THEN now() END, CASE WHEN n = 0 THEN now() END
  FROM workflows w CROSS JOIN generate_series(0, 49) n`
  await fillReady(sql)
})
const own = connect({ ...database.settings, poolMax: 1 })
await own`SET enable_hashjoin = on`
await withoutIndexes(
  sql,
  ['dependencies'],
  () => own`
    INSERT INTO dependencies (task_id, depends_on, resolved_at)
    SELECT c.id, p.id, CASE WHEN p.workflow_key = 't0' THEN now() END
    FROM task_records p JOIN task_records c ON c.workflow_id = p.workflow_id AND c.workflow_key = 't' || (substr(p.workflow_key, 2)::int + 1)`,
)
await own`SET enable_hashjoin = off`
await sql`ANALYZE`

const taskOf = async (key: string) => {
  const [row] = await sql<{ id: string; workflowId: string }[]>`
    SELECT id, workflow_id AS "workflowId" FROM tasks WHERE workflow_key = ${key} LIMIT 1`
  return row!
}

/** Rows of these tables that a statement touched, by walking them and by index, whatever is inside of functions. */
async function rowsRead(run: (own: Sql) => Promise<unknown>): Promise<number> {
  const read = async () => {
    const [row] = await own<{ rows: number }[]>`
      SELECT sum(seq_tup_read + idx_tup_fetch) AS rows FROM pg_stat_xact_user_tables WHERE relname IN ('task_records', 'ready', 'held', 'dependencies')`
    return Number(row!.rows)
  }
  await own`BEGIN`
  const before = await read()
  await run(own)
  const rows = (await read()) - before
  await own`COMMIT`
  return rows
}

test('with a hundred thousand tasks that depend on others, each statement reads what it is about', async () => {
  const parent = await taskOf('t1')
  const cost: Record<string, number> = {}
  cost.insert = await rowsRead((one) => {
    const task = newTask({ parents: 1 })
    return insertDependents(one, [task], [{ taskId: task.id, dependsOn: parent.id }])
  })
  await own`UPDATE tasks SET cancelled_at = now() WHERE id = ${parent.id}`
  cost.resolve = await rowsRead((one) => resolveDependents(one))
  while ((await resolveDependents(sql)) > 0);
  const [ended] = await sql<{ count: number }[]>`SELECT count(*) FROM tasks WHERE state = 'failed'`
  expect(ended!.count).toBe(49)
  cost.revive = await rowsRead((one) => reviveTasks(one, [parent.id]))
  cost.discard = await rowsRead(async (one) => discardTasks(one, [(await taskOf('t0')).id]))
  cost.claim = await rowsRead((one) => claimTasks(one, [1, 2, 3]))
  for (const [name, rows] of Object.entries(cost)) {
    expect({ name, rows, isLittle: rows > 0 && rows < (name === 'revive' ? 1500 : 50) }).toEqual({
      name,
      rows,
      isLittle: true,
    })
  }
})

test('a workflow, the list of them and what a task depends on are looked up by their indexes', async () => {
  const task = await taskOf('t7')
  const plans = await explain(database, async (one) => {
    await listWorkflows(one, { after: null, limit: 20 })
    await listWorkflowTasks(one, task.workflowId)
    await listWorkflowEdges(one, task.workflowId)
    await findRelatives(one, task.id)
  })
  expect(plans).toHaveLength(4)
  for (const plan of plans) {
    expect(plan.nodes.filter((node) => node['Node Type'] === 'Seq Scan')).toEqual([])
    expect(plan.rowsRead('task_records')).toBeLessThanOrEqual(1000)
    expect(plan.rowsRead('dependencies')).toBeLessThanOrEqual(60)
    expect(plan.rowsRead('workflows')).toBeLessThanOrEqual(20)
  }
})
