import { durationSeconds, TASK_STATES, type TaskState } from '../../shared/core/task.ts'
import type { Workflow, WorkflowTask } from '../../shared/store/workflows.ts'
import type { WorkflowGraph, WorkflowList } from './workflows.ts'

/** A workflow as callers see it. */
export function viewWorkflow({ id, name, createdAt, counts }: Workflow) {
  const all = Object.fromEntries(TASK_STATES.map((state) => [state, counts[state] ?? 0])) as Record<
    TaskState,
    number
  >
  return {
    workflow_id: id,
    id,
    name,
    created_at: createdAt.toISOString(),
    state: stateOf(all),
    total: Object.values(all).reduce((sum, count) => sum + count, 0),
    counts: all,
  }
}

/** It runs while any of its tasks has not ended; then the worst end of a task is its own. */
function stateOf(counts: Record<TaskState, number>): 'running' | 'failed' | 'cancelled' | 'completed' {
  if (counts.pending + counts.assigned + counts.running > 0) return 'running'
  if (counts.failed > 0) return 'failed'
  return counts.cancelled > 0 ? 'cancelled' : 'completed'
}

export const viewWorkflows = ({ workflows, nextCursor }: WorkflowList) => ({
  workflows: workflows.map(viewWorkflow),
  next_cursor: nextCursor,
})

/** A workflow with its tasks, and which of them waits for which; unset times are null. */
export const viewGraph = ({ workflow, tasks, edges }: WorkflowGraph) => ({
  ...viewWorkflow(workflow),
  tasks: tasks.map(viewTask),
  edges: edges.map(({ taskId, dependsOn }) => ({ task_id: taskId, depends_on: dependsOn })),
})

function viewTask(task: WorkflowTask) {
  const endedAt = task.completedAt ?? task.failedAt ?? task.cancelledAt
  return {
    task_id: task.id,
    key: task.key,
    name: task.name,
    command: task.command,
    executor: task.executor,
    state: task.state === 'pending' && task.failures > 0 ? ('retrying' as const) : task.state,
    attempt: task.attempt,
    waits_for: task.waitsFor,
    started_at: task.startedAt?.toISOString() ?? null,
    ended_at: endedAt?.toISOString() ?? null,
    duration: durationSeconds({ ...task, pickedAt: null }),
    error: task.error,
  }
}

export type WorkflowView = ReturnType<typeof viewWorkflow>
export type WorkflowGraphView = ReturnType<typeof viewGraph>
