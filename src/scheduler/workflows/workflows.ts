import { AppError } from '../../shared/core/error.ts'
import type { NewTask } from '../../shared/core/task.ts'
import { resolveId } from '../../shared/idempotency.ts'
import type { Sql } from '../../shared/store/connect.ts'
import { type Edge, insertDependents } from '../../shared/store/dependencies.ts'
import { findHolders, findTask } from '../../shared/store/tasks.ts'
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
import { refuseMissing } from '../many.ts'
import { buildWorkflow } from './build.ts'
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
   * Stores tasks that depend on one another, all or none. Under an idempotency key that was used before, it is the first
   * one, as far as its tasks are still there.
   *
   * @returns the ids of its tasks by their keys, in the order given
   * @throws `invalid` with the place of a key that is there twice or not at all, or with the cycle that they form;
   *   `conflict` when something else was asked for under the idempotency key
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

/** How often others may take a key between our look and our insert. */
const TRIES = 5

const idsByKey = (tasks: Pick<NewTask, 'id' | 'workflowKey'>[]): Record<string, string> =>
  Object.fromEntries(tasks.map(({ id, workflowKey }) => [workflowKey ?? id, id]))

/** The use cases of workflows, the same for every edge. */
export function createWorkflows(sql: Sql, actions: Actions): Workflows {
  async function get(id: string): Promise<Workflow> {
    const workflow = await findWorkflow(sql, id)
    if (!workflow) throw new AppError('not_found', 'Workflow not found')
    return workflow
  }

  /** What was stored under this key before. @throws `conflict` when that is something else */
  async function findFirst(task: NewTask | undefined, key: string) {
    const [holder] = await findHolders(sql, [key])
    if (!holder || !task) return null
    const first = await findTask(sql, resolveId(task, new Map([[key, holder]])))
    if (!first?.workflowId) return null
    const tasks = await listWorkflowTasks(sql, first.workflowId)
    return {
      workflow_id: first.workflowId,
      tasks: idsByKey(tasks.map(({ id, key }) => ({ id, workflowKey: key }))),
    }
  }

  async function act(action: TaskAction & keyof typeof APPLIES, id: string) {
    await get(id)
    const tasks = await listWorkflowTasks(sql, id)
    const ids = tasks.filter(({ state }) => APPLIES[action].includes(state)).map((task) => task.id)
    const count = ids.length > 0 ? (await actions.many(action, { ids })).count : 0
    return { workflow_id: id, count }
  }

  return {
    async create(input) {
      const { id, tasks, edges } = buildWorkflow(input)
      for (let left = TRIES; left > 0; left--) {
        const first = input.idempotency_key ? await findFirst(tasks[0], input.idempotency_key) : null
        if (first) return first
        const { stored, missing } = await insertDependents(sql, tasks, edges, { id, name: input.name })
        refuseMissing(edges, missing)
        if (stored) return { workflow_id: id, tasks: idsByKey(tasks) }
      }
      throw new AppError('unavailable', 'others take the same idempotency key; try again')
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
