import { AppError } from '../../shared/core/error.ts'
import { planWorkflow } from '../../shared/core/workflow.ts'
import type { Sql } from '../../shared/store/connect.ts'
import { type Edge, insertDependents } from '../../shared/store/dependencies.ts'
import type { TaskAction } from '../../shared/store/walk.ts'
import {
  findWorkflow,
  listWorkflowEdges,
  listWorkflows,
  listWorkflowTasks,
  type Workflow,
  type WorkflowTask,
} from '../../shared/store/workflows.ts'
import type { Actions } from '../actions.ts'
import { type Dependency, refuseMissing, refuseTooMany } from '../many.ts'
import { delayOf, taskFrom } from '../task-from.ts'
import { writeWorkflowCursor } from './cursor.ts'
import type { CreateWorkflowInput, ListWorkflowsInput } from './input.ts'

export interface WorkflowList {
  workflows: Workflow[]
  nextCursor: string | null
}

export interface WorkflowGraph {
  workflow: Workflow
  tasks: WorkflowTask[]
  edges: Edge[]
}

/** Every call that names a workflow throws `not_found` when there is none. */
export interface Workflows {
  /**
   * Stores tasks that depend on one another, all or none.
   *
   * @returns the ids of its tasks by their keys, in the order given
   * @throws `invalid` with the place of a key that is there twice or not at all, or with the cycle that they form
   */
  create(input: CreateWorkflowInput): Promise<{ workflow_id: string; tasks: Record<string, string> }>
  list(input: ListWorkflowsInput): Promise<WorkflowList>
  get(id: string): Promise<WorkflowGraph>
  /** Cancels what has not ended of it; how many tasks that are. */
  cancel(id: string): Promise<{ workflow_id: string; count: number }>
  /** Runs again what failed or was cancelled of it, in its order; how many tasks that are. */
  retry(id: string): Promise<{ workflow_id: string; count: number }>
}

const APPLIES: Record<'cancel' | 'retry', readonly string[]> = {
  cancel: ['pending', 'assigned', 'running'],
  retry: ['failed', 'cancelled'],
}

/** The use cases of workflows, the same for every edge. */
export function createWorkflows(sql: Sql, actions: Actions): Workflows {
  async function get(id: string): Promise<Workflow> {
    const workflow = await findWorkflow(sql, id)
    if (!workflow) throw new AppError('not_found', 'Workflow not found')
    return workflow
  }

  async function act(action: TaskAction & keyof typeof APPLIES, id: string) {
    await get(id)
    const tasks = await listWorkflowTasks(sql, id)
    const ids = tasks.filter(({ state }) => APPLIES[action].includes(state)).map((task) => task.id)
    const count = ids.length > 0 ? (await actions.many(action, { ids })).count : 0
    return { workflow_id: id, count }
  }

  return {
    async create({ name, tasks: inputs }) {
      const plan = planWorkflow(inputs.map(({ key, depends_on }) => ({ key, dependsOn: depends_on ?? [] })))
      if ('fault' in plan) throw new AppError('invalid', plan.fault)
      const workflowId = Bun.randomUUIDv7()
      const depended = new Set(plan.flatMap(({ steps }) => steps))
      const tasks = inputs.map((input, index) => ({
        ...taskFrom({ ...input, depends_on: null }, input.scheduled_at ?? delayOf(input)),
        parents: (plan[index]?.steps.length ?? 0) + (plan[index]?.tasks.length ?? 0),
        hasDependents: depended.has(input.key),
        workflowId,
        workflowKey: input.key,
      }))
      const ids = new Map(tasks.map(({ workflowKey, id }) => [workflowKey, id]))
      const edges = tasks.flatMap(({ id }, index): Dependency[] => {
        const parents = [
          ...(plan[index]?.steps ?? []).map((key) => ids.get(key) as string),
          ...(plan[index]?.tasks ?? []),
        ]
        const given = inputs[index]?.depends_on ?? []
        return parents.map((dependsOn) => {
          const at = given.findIndex((name) => name.toLowerCase() === dependsOn)
          return { taskId: id, dependsOn, place: `tasks[${index}].depends_on[${at}]` }
        })
      })
      refuseTooMany(edges)
      const { missing } = await insertDependents(sql, tasks, edges, { id: workflowId, name })
      refuseMissing(edges, missing)
      return { workflow_id: workflowId, tasks: Object.fromEntries(ids) }
    },

    async list({ limit, cursor = null }) {
      const found = await listWorkflows(sql, { after: cursor, limit: limit + 1 })
      const workflows = found.slice(0, limit)
      const last = found.length > limit ? workflows.at(-1) : undefined
      const nextCursor = last ? writeWorkflowCursor({ createdAt: last.exactCreatedAt, id: last.id }) : null
      return { workflows, nextCursor }
    },

    async get(id) {
      const [workflow, tasks, edges] = await Promise.all([
        get(id),
        listWorkflowTasks(sql, id),
        listWorkflowEdges(sql, id),
      ])
      return { workflow, tasks, edges }
    },

    cancel: (id) => act('cancel', id),

    retry: (id) => act('retry', id),
  }
}
