import { beforeEach, expect, test } from 'bun:test'
import { PARENT_LIMITS } from '../../../src/shared/core/parents.ts'
import { settleTasks } from '../../../src/shared/store/dispatch.ts'
import { createTestDatabase } from '../../support/database.ts'
import { claim, insert, NOW, reportOf, reset } from '../../support/store.ts'
import { insertGraph, resolveAll } from './stand.ts'

const { sql } = await createTestDatabase()
beforeEach(() => reset(sql))

const WORKFLOW = '0190b5a2-7c3e-7000-8000-000000000000'
const keyed = (name: string) => ({ workflowId: WORKFLOW, workflowKey: name })

/** Completes all that is due with this output and result. */
async function completeAll(output: string | null, result: string | null = null) {
  const tasks = await claim(sql, 200)
  await settleTasks(
    sql,
    tasks.map((task) => reportOf(task, 'completed', { output, result })),
    NOW,
  )
  await resolveAll(sql)
  return tasks
}

test('a claimed task has what its parents came to, by key or by id, and others have nothing', async () => {
  const [other] = await insert(sql, 1)
  const ids = await insertGraph(sql, { a: [], b: ['a', other!] }, keyed)
  for (const { parents } of await completeAll('said', '{"rows": 3}')) expect(parents).toBeNull()
  const [child] = await claim(sql, 1)
  const came = { state: 'completed' as const, output: 'said', result: { rows: 3 } }
  expect(child!.parents).toEqual({ a: { task_id: ids.a!, ...came }, [other!]: { task_id: other!, ...came } })
})

test('the key of another workflow is no name here', async () => {
  const before = await insertGraph(sql, { a: [] }, keyed)
  const workflowId = crypto.randomUUID()
  await insertGraph(sql, { a: [], b: ['a', before.a!] }, (workflowKey) => ({ workflowId, workflowKey }))
  await completeAll(null)
  const [child] = await claim(sql, 1)
  expect(Object.keys(child!.parents!).sort()).toEqual([before.a!, 'a'].sort())
})

test('a long output is cut, and what is too much in all is left out, and both say so', async () => {
  const long = 'é'.repeat(PARENT_LIMITS.output + 1)
  const graph = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`p${n}`, []]))
  await insertGraph(sql, { ...graph, child: Object.keys(graph) }, keyed)
  await completeAll(long, '1')
  const [child] = await claim(sql, 1)
  const came = Object.entries(child!.parents!).sort(([a], [b]) => (a < b ? -1 : 1))
  expect(came).toHaveLength(10)
  for (const [, { cut }] of came) expect(cut).toBe(true)
  expect(came[0]![1]).toMatchObject({ output: long.slice(0, -1), result: 1 })
  expect(came[9]![1]).toMatchObject({ output: null, result: null, state: 'completed' })
  expect(Buffer.byteLength(JSON.stringify(child!.parents))).toBeLessThan(120_000)
})
