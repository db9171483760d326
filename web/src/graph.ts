/** Where the tasks of a workflow are drawn: in layers from left to right, each after all that it depends on. */

export interface GraphEdge {
  /** The id of the one that waits. */
  task_id: string
  depends_on: string
}

export interface PlacedNode {
  id: string
  /** px, of its upper left corner. */
  x: number
  y: number
}

export interface PlacedGraph {
  nodes: PlacedNode[]
  /** An SVG path from the right of each that is depended on to the left of the one that waits. */
  lines: { from: string; to: string; path: string }[]
  width: number
  height: number
}

export const NODE = { width: 168, height: 40, gapX: 64, gapY: 14, margin: 8 } as const

/** How often the order within the layers is improved, from left to right and back. */
const SWEEPS = 4

/**
 * Places a graph without cycles. Edges that lead out of it are left out.
 *
 * @param ids in the order in which they stay where nothing else decides
 */
export function placeGraph(ids: string[], edges: GraphEdge[]): PlacedGraph {
  const known = new Set(ids)
  const inside = edges.filter(({ task_id, depends_on }) => known.has(task_id) && known.has(depends_on))
  const parents = neighbours(ids, inside, 'task_id', 'depends_on')
  const children = neighbours(ids, inside, 'depends_on', 'task_id')
  const layers = orderLayers(layersOf(ids, parents, children), parents, children)
  const tallest = Math.max(0, ...layers.map((layer) => layer.length))
  const at = new Map<string, PlacedNode>()
  for (const [column, layer] of layers.entries()) {
    // Shorter layers stand in the middle.
    const offset = ((tallest - layer.length) * (NODE.height + NODE.gapY)) / 2
    for (const [row, id] of layer.entries()) {
      at.set(id, {
        id,
        x: NODE.margin + column * (NODE.width + NODE.gapX),
        y: NODE.margin + offset + row * (NODE.height + NODE.gapY),
      })
    }
  }
  const spread = (count: number, size: number, gap: number) =>
    2 * NODE.margin + Math.max(0, count * (size + gap) - gap)
  return {
    nodes: ids.map((id) => at.get(id) as PlacedNode),
    lines: inside.map(({ task_id, depends_on }) => ({
      from: depends_on,
      to: task_id,
      path: lineBetween(at.get(depends_on) as PlacedNode, at.get(task_id) as PlacedNode),
    })),
    width: spread(layers.length, NODE.width, NODE.gapX),
    height: spread(tallest, NODE.height, NODE.gapY),
  }
}

type Neighbours = Map<string, string[]>

function neighbours(ids: string[], edges: GraphEdge[], of: keyof GraphEdge, to: keyof GraphEdge): Neighbours {
  const found: Neighbours = new Map(ids.map((id) => [id, []]))
  for (const edge of edges) found.get(edge[of])?.push(edge[to])
  return found
}

/** Each id in the layer after the last of those that it depends on. */
function layersOf(ids: string[], parents: Neighbours, children: Neighbours): string[][] {
  const depth = new Map<string, number>(ids.map((id) => [id, 0]))
  const left = new Map(ids.map((id) => [id, parents.get(id)?.length ?? 0]))
  const free = ids.filter((id) => left.get(id) === 0)
  for (let next = 0; next < free.length; next++) {
    const id = free[next] as string
    for (const child of children.get(id) ?? []) {
      depth.set(child, Math.max(depth.get(child) ?? 0, (depth.get(id) ?? 0) + 1))
      const count = (left.get(child) ?? 0) - 1
      left.set(child, count)
      if (count === 0) free.push(child)
    }
  }
  const layers: string[][] = Array.from({ length: Math.max(-1, ...depth.values()) + 1 }, () => [])
  for (const id of ids) layers[depth.get(id) ?? 0]?.push(id)
  return layers
}

/** Puts each by the middle of its neighbours in the layers before and after, so that fewer lines cross. */
function orderLayers(layers: string[][], parents: Neighbours, children: Neighbours): string[][] {
  const row = new Map<string, number>()
  const note = (layer: string[]) => {
    for (const [index, id] of layer.entries()) row.set(id, index - layer.length / 2)
  }
  for (const layer of layers) note(layer)
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isForward = sweep % 2 === 0
    const of = isForward ? parents : children
    for (const layer of isForward ? layers : layers.toReversed()) {
      const middle = new Map(layer.map((id) => [id, middleOf(of.get(id) ?? [], row) ?? row.get(id) ?? 0]))
      layer.sort((a, b) => (middle.get(a) ?? 0) - (middle.get(b) ?? 0))
      note(layer)
    }
  }
  return layers
}

function middleOf(ids: string[], row: Map<string, number>): number | null {
  if (ids.length === 0) return null
  return ids.reduce((sum, id) => sum + (row.get(id) ?? 0), 0) / ids.length
}

function lineBetween(from: PlacedNode, to: PlacedNode): string {
  const [x1, y1] = [from.x + NODE.width, from.y + NODE.height / 2]
  const [x2, y2] = [to.x, to.y + NODE.height / 2]
  const bend = NODE.gapX / 2
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`
}
