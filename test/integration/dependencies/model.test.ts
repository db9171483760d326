import { expect, test } from 'bun:test'
import type { ParentFailure, TaskState } from '../../../src/shared/core/task.ts'
import { reviveTasks } from '../../../src/shared/store/control.ts'
import { settleTasks } from '../../../src/shared/store/dispatch.ts'
import { createTestDatabase } from '../../support/database.ts'
import fc from '../../support/property.ts'
import { claim, NOW, reportOf, reset } from '../../support/store.ts'
import { type Graph, insertGraph, miscounted, resolveAll, statesByName } from './stand.ts'

const { sql } = await createTestDatabase()

interface Step {
  parents: number[]
  policy: ParentFailure
  /** What its own attempt comes to, if it has one. */
  fails: boolean
}

/** Any graph whose edges lead back, with what becomes of each task. */
const steps = fc.array(
  fc.record({
    parents: fc.array(fc.nat(), { maxLength: 3 }),
    policy: fc.constantFrom<ParentFailure>('fail', 'fail', 'skip', 'continue'),
    fails: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
)

const graphOf = (given: Step[]): Graph =>
  Object.fromEntries(
    given.map(({ parents }, index) => [
      `t${index}`,
      index === 0 ? [] : [...new Set(parents.map((parent) => `t${parent % index}`))],
    ]),
  )

/** How each task must end: the rules, without time. */
function model(graph: Graph, given: Step[]): Record<string, TaskState> {
  const states: Record<string, TaskState> = {}
  for (const [index, { policy, fails }] of given.entries()) {
    const allWell = graph[`t${index}`]!.every((parent) => states[parent] === 'completed')
    const runs = allWell || policy === 'continue'
    states[`t${index}`] = runs ? (fails ? 'failed' : 'completed') : policy === 'skip' ? 'cancelled' : 'failed'
  }
  return states
}

test('whatever depends on what and whatever fails, tasks end as a plain reckoning says, and never start too early', async () => {
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1 }),
      async (given, pace) => {
        await reset(sql)
        const graph = graphOf(given)
        const policies = (name: string) => ({ onParentFailure: given[Number(name.slice(1))]!.policy })
        const ids = await insertGraph(sql, graph, policies)
        const failing = new Set(given.flatMap(({ fails }, index) => (fails ? [`t${index}`] : [])))

        const run = async () => {
          for (let turn = 0; ; turn++) {
            const claimed = await claim(sql, pace[turn % pace.length]!)
            const before = await statesByName(sql)
            for (const { command } of claimed) {
              const open = graph[command]!.filter(
                (parent) => !/completed|failed|cancelled/.test(before[parent]!),
              )
              expect({ command, open }).toEqual({ command, open: [] })
            }
            const outcome = (name: string) => (failing.has(name) ? 'failed' : 'completed')
            await settleTasks(
              sql,
              claimed.map((task) => reportOf(task, outcome(task.command))),
              NOW,
            )
            await resolveAll(sql)
            if (claimed.length === 0) return
          }
        }
        await run()
        expect(await statesByName(sql)).toEqual(model(graph, given))

        // One after the other, what failed by itself is mended and retried.
        for (const name of failing) {
          failing.delete(name)
          const [task] = await sql<{ attempt: number }[]>`SELECT attempt FROM tasks WHERE id = ${ids[name]!}`
          given[Number(name.slice(1))]!.fails = false
          if (task!.attempt === 0) continue
          await reviveTasks(sql, [ids[name]!])
          expect(await miscounted(sql)).toEqual([])
          await run()
          expect(await statesByName(sql)).toEqual(model(graph, given))
        }
        expect(await miscounted(sql)).toEqual([])
        const [left] = await sql`SELECT count(*) AS left FROM ended_parents`
        expect(left).toEqual({ left: 0 })
      },
    ),
    { numRuns: 60 },
  )
}, 120_000)
