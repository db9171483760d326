import { shorten } from './text.ts'
import { isUuid } from './uuid.ts'

/** Workflows: tasks submitted together, each under a key, that depend on one another. */

export interface WorkflowStep {
  key: string
  /** Keys of other steps, or ids of tasks that exist already. */
  dependsOn: string[]
}

/** A step whose dependencies are told apart. */
export interface PlannedStep {
  key: string
  /** Keys of steps that it depends on, each once. */
  steps: string[]
  /** Ids of tasks outside, in lower case, each once. */
  tasks: string[]
}

/** What is wrong with a workflow, naming the place of it. */
export interface WorkflowFault {
  fault: string
}

/**
 * Reads what depends on what. A key goes before an id that looks the same.
 *
 * @returns the steps in the order given, or the first thing that is wrong: a key that is there twice or not at all,
 *   or a cycle
 */
export function planWorkflow(given: WorkflowStep[]): PlannedStep[] | WorkflowFault {
  const places = new Map<string, number>()
  for (const [index, { key }] of given.entries()) {
    const first = places.get(key)
    if (first !== undefined) {
      return { fault: `tasks[${index}].key: ${quote(key)} is the key of tasks[${first}] too` }
    }
    places.set(key, index)
  }
  const planned: PlannedStep[] = []
  for (const [index, { key, dependsOn }] of given.entries()) {
    const steps = new Set<string>()
    const tasks = new Set<string>()
    for (const [at, name] of dependsOn.entries()) {
      if (places.has(name)) steps.add(name)
      else if (isUuid(name)) tasks.add(name.toLowerCase())
      else return { fault: `tasks[${index}].depends_on[${at}]: there is no task with the key ${quote(name)}` }
    }
    planned.push({ key, steps: [...steps], tasks: [...tasks] })
  }
  const cycle = findCycle(new Map(planned.map(({ key, steps }) => [key, steps])))
  return cycle ? { fault: `tasks form a cycle: ${cycle.join(' → ')}` } : planned
}

const quote = (key: string) => JSON.stringify(shorten(key, 100))

/**
 * A way along dependencies from a key back to itself, the first of them at its end again, or null when there is none.
 * What has nothing left to wait for is taken away until all is gone, or only what waits for itself is left.
 *
 * @param graph what each key depends on; all of which are keys of it
 */
export function findCycle(graph: Map<string, string[]>): string[] | null {
  const left = new Map([...graph].map(([key, parents]) => [key, new Set(parents).size]))
  const dependents = new Map<string, string[]>([...graph.keys()].map((key) => [key, []]))
  for (const [key, parents] of graph) {
    for (const parent of new Set(parents)) dependents.get(parent)?.push(key)
  }
  const free = [...left].filter(([, count]) => count === 0).map(([key]) => key)
  for (let key = free.pop(); key !== undefined; key = free.pop()) {
    left.delete(key)
    for (const dependent of dependents.get(key) ?? []) {
      const count = (left.get(dependent) ?? 0) - 1
      left.set(dependent, count)
      if (count === 0) free.push(dependent)
    }
  }
  const [first] = left.keys()
  if (first === undefined) return null
  // Whatever is left waits for something that is left: following that comes back to where it was before.
  const way: string[] = []
  const seen = new Map<string, number>()
  for (
    let at: string | undefined = first;
    at !== undefined;
    at = graph.get(at)?.find((key) => left.has(key))
  ) {
    const from = seen.get(at)
    if (from !== undefined) return [...way.slice(from), at]
    seen.set(at, way.length)
    way.push(at)
  }
  return null
}
