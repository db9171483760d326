import type { TaskState } from '../core/task.ts'
import type { Sql } from './connect.ts'
import type { Edge } from './dependencies.ts'

export interface Workflow {
  id: string
  name: string
  createdAt: Date
  /** How many of its tasks are in each state; states that none is in are left out. */
  counts: Partial<Record<TaskState, number>>
}

/** Where in the list of workflows one lies: its time as PostgreSQL writes it, because a Date has no microseconds. */
export interface WorkflowPosition {
  createdAt: string
  id: string
}

export type ListedWorkflow = Workflow & { exactCreatedAt: string }

const workflowColumns = (sql: Sql) => sql`
  w.id, w.name, w.created_at AS "createdAt", w.created_at::text AS "exactCreatedAt",
  coalesce((SELECT jsonb_object_agg(c.state, c.count) FROM (
    SELECT t.state, count(*) AS count FROM tasks t WHERE t.workflow_id = w.id GROUP BY t.state) AS c), '{}') AS counts`

/** One page of workflows, the newest first. */
export function listWorkflows(
  sql: Sql,
  { after, limit }: { after: WorkflowPosition | null; limit: number },
): Promise<ListedWorkflow[]> {
  return sql`
    SELECT ${workflowColumns(sql)}
    FROM (
      SELECT * FROM workflows w
      ${after ? sql`WHERE (w.created_at, w.id) < (${after.createdAt}::text::timestamptz, ${after.id}::uuid)` : sql``}
      ORDER BY w.created_at DESC, w.id DESC LIMIT ${limit}
    ) w ORDER BY w.created_at DESC, w.id DESC`
}

export async function findWorkflow(sql: Sql, id: string): Promise<Workflow | null> {
  const [workflow] = await sql<Workflow[]>`SELECT ${workflowColumns(sql)} FROM workflows w WHERE w.id = ${id}`
  return workflow ?? null
}

/** A task of a workflow, as far as its graph shows it. */
export interface WorkflowTask {
  id: string
  key: string
  name: string
  command: string
  executor: string
  state: TaskState
  attempt: number
  failures: number
  waitsFor: number
  startedAt: Date | null
  completedAt: Date | null
  failedAt: Date | null
  cancelledAt: Date | null
  error: string | null
}

/** The tasks of a workflow, in the order in which they were given. */
export function listWorkflowTasks(sql: Sql, workflowId: string): Promise<WorkflowTask[]> {
  return sql`
    SELECT t.id, t.workflow_key AS key, t.name, left(t.command, 200) AS command, t.executor, t.state, t.attempt, t.failures,
      t.waits_for AS "waitsFor", t.started_at AS "startedAt", t.completed_at AS "completedAt", t.failed_at AS "failedAt",
      t.cancelled_at AS "cancelledAt", left(t.error, 500) AS error
    FROM tasks t WHERE t.workflow_id = ${workflowId} ORDER BY t.id`
}

/** What the tasks of a workflow depend on, in it and outside. */
export function listWorkflowEdges(sql: Sql, workflowId: string): Promise<Edge[]> {
  return sql`
    SELECT d.task_id AS "taskId", d.depends_on AS "dependsOn"
    FROM tasks t JOIN dependencies d ON d.task_id = t.id
    WHERE t.workflow_id = ${workflowId} ORDER BY d.task_id, d.depends_on`
}
