import { expect, test } from 'bun:test'
import { type GraphEdge, NODE, placeGraph } from '../../../web/src/graph.ts'
import fc from '../../support/property.ts'

const edge = (task_id: string, depends_on: string): GraphEdge => ({ task_id, depends_on })

/** Any graph whose edges lead back. */
const graphs = fc.integer({ min: 1, max: 25 }).chain((size) => {
  const ids = Array.from({ length: size }, (_, n) => `t${n}`)
  return fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 60 }).map((pairs) => ({
    ids,
    edges: pairs
      .filter(([a, b]) => a !== b)
      .map(([a, b]) => edge(`t${Math.max(a, b)}`, `t${Math.min(a, b)}`)),
  }))
})

test('each task stands to the right of all that it depends on', () => {
  fc.assert(
    fc.property(graphs, ({ ids, edges }) => {
      const at = new Map(placeGraph(ids, edges).nodes.map((node) => [node.id, node]))
      for (const { task_id, depends_on } of edges) {
        expect(at.get(task_id)!.x).toBeGreaterThanOrEqual(at.get(depends_on)!.x + NODE.width + NODE.gapX)
      }
    }),
  )
})

test('no two overlap, all are inside, and the same graph is always drawn alike', () => {
  fc.assert(
    fc.property(graphs, ({ ids, edges }) => {
      const { nodes, lines, width, height } = placeGraph(ids, edges)
      expect(nodes.map(({ id }) => id)).toEqual(ids)
      expect(lines).toHaveLength(edges.length)
      for (const [index, a] of nodes.entries()) {
        expect(a.x >= 0 && a.y >= 0 && a.x + NODE.width <= width && a.y + NODE.height <= height).toBe(true)
        for (const b of nodes.slice(index + 1)) {
          expect(Math.abs(a.x - b.x) >= NODE.width || Math.abs(a.y - b.y) >= NODE.height).toBe(true)
        }
      }
      expect(placeGraph(ids, edges)).toEqual({ nodes, lines, width, height })
    }),
  )
})

test('lines that need not cross do not', () => {
  const ids = ['a', 'b', 'c', 'after c', 'after b', 'after a']
  const { nodes } = placeGraph(ids, [edge('after c', 'c'), edge('after b', 'b'), edge('after a', 'a')])
  const y = Object.fromEntries(nodes.map((node) => [node.id, node.y]))
  for (const name of ['a', 'b', 'c']) expect(y[`after ${name}`]).toBe(y[name]!)
})

test('what leads out of the workflow is not drawn, and nothing needs no room', () => {
  expect(placeGraph(['a'], [edge('a', 'elsewhere')]).lines).toEqual([])
  expect(placeGraph([], [])).toEqual({
    nodes: [],
    lines: [],
    width: 2 * NODE.margin,
    height: 2 * NODE.margin,
  })
})

test('a thousand tasks are placed in a moment', () => {
  const ids = Array.from({ length: 1000 }, (_, n) => `t${n}`)
  const edges = ids.flatMap((id, n) =>
    [1, 7, 31].filter((back) => n >= back).map((back) => edge(id, `t${n - back}`)),
  )
  const from = performance.now()
  placeGraph(ids, edges)
  expect(performance.now() - from).toBeLessThan(500)
})
