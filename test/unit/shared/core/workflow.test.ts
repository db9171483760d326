import { describe, expect, test } from 'bun:test'
import { findCycle, planWorkflow, type WorkflowStep } from '../../../../src/shared/core/workflow.ts'
import fc from '../../../support/property.ts'

const step = (key: string, ...dependsOn: string[]): WorkflowStep => ({ key, dependsOn })
const TASK = '0190B5A2-7c3e-7000-8000-000000000000'

/** Any graph over keys `0` to `n`, cycles included. */
const graphs = fc
  .integer({ min: 1, max: 12 })
  .chain((size) =>
    fc.array(fc.array(fc.nat(size - 1), { maxLength: 4 }), { minLength: size, maxLength: size }),
  )
  .map((rows) => new Map(rows.map((row, key) => [String(key), row.map(String)])))

/** The same with every edge leading back to an earlier key. */
const acyclic = graphs.map(
  (graph) =>
    new Map(
      [...graph].map(([key, parents]) => [key, parents.filter((parent) => Number(parent) < Number(key))]),
    ),
)

describe('the plan of a workflow', () => {
  test('tells keys from the ids of other tasks, each once', () => {
    expect(planWorkflow([step('a', TASK, TASK.toLowerCase()), step('b', 'a', 'a', TASK)])).toEqual([
      { key: 'a', steps: [], tasks: [TASK.toLowerCase()] },
      { key: 'b', steps: ['a'], tasks: [TASK.toLowerCase()] },
    ])
  })

  test('takes a key for a key, even when it looks like an id', () => {
    expect(planWorkflow([step(TASK), step('b', TASK)])).toMatchObject([{}, { steps: [TASK], tasks: [] }])
  })

  test('refuses a key that is there twice, with both places', () => {
    expect(planWorkflow([step('a'), step('b'), step('a')])).toEqual({
      fault: 'tasks[2].key: "a" is the key of tasks[0] too',
    })
  })

  test('refuses a key that is not there, with its place', () => {
    expect(planWorkflow([step('a'), step('b', 'a', 'c')])).toEqual({
      fault: 'tasks[1].depends_on[1]: there is no task with the key "c"',
    })
  })

  test('refuses a cycle and names the way around it', () => {
    expect(planWorkflow([step('x'), step('a', 'b', 'x'), step('b', 'a')])).toEqual({
      fault: 'tasks form a cycle: a → b → a',
    })
    expect(planWorkflow([step('a', 'a')])).toEqual({ fault: 'tasks form a cycle: a → a' })
  })
})

test('a cycle that is found is one: each step of it depends on the next, and none is there twice', () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      const cycle = findCycle(graph)
      if (!cycle) return
      expect(cycle.length).toBeGreaterThan(1)
      expect(cycle.at(-1)).toBe(cycle[0]!)
      expect(new Set(cycle).size).toBe(cycle.length - 1)
      for (const [index, key] of cycle.slice(0, -1).entries())
        expect(graph.get(key)).toContain(cycle[index + 1]!)
    }),
    { numRuns: 500 },
  )
})

test('there is no cycle exactly when the keys can be put in an order in which each comes after what it depends on', () => {
  fc.assert(
    fc.property(fc.oneof(graphs, acyclic), (graph) => {
      const done = new Set<string>()
      for (let before = -1; before < done.size; ) {
        before = done.size
        for (const [key, parents] of graph) if (parents.every((parent) => done.has(parent))) done.add(key)
      }
      expect(findCycle(graph) === null).toBe(done.size === graph.size)
    }),
    { numRuns: 500 },
  )
})
