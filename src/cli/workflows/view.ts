import type { TaskState } from '../../shared/core/task.ts'
import { formatSeconds } from '../duration.ts'
import { renderTable } from '../table.ts'

/** What the scheduler answers about workflows, as far as it is shown here. */
export interface WorkflowView {
  workflow_id: string
  name: string
  created_at: string
  state: 'running' | 'completed' | 'failed' | 'cancelled'
  total: number
  counts: Record<TaskState, number>
}

export interface WorkflowTaskView {
  task_id: string
  key: string
  state: TaskState | 'retrying'
  waits_for: number
  duration: number | null
  error: string | null
}

export type WorkflowGraphView = WorkflowView & {
  tasks: WorkflowTaskView[]
  edges: { task_id: string; depends_on: string }[]
}

/** `2 completed, 1 running`: the states that any of its tasks is in. */
export const describeCounts = ({ counts }: WorkflowView): string =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ')

/** Its tasks in a table: what each waits for by key, or by id where that is no task of it. */
export function renderTasks({ tasks, edges }: WorkflowGraphView, width: number): string {
  const keys = new Map(tasks.map(({ task_id, key }) => [task_id, key]))
  const parents = new Map<string, string[]>()
  for (const { task_id, depends_on } of edges) {
    parents.set(task_id, [...(parents.get(task_id) ?? []), keys.get(depends_on) ?? depends_on])
  }
  return renderTable(
    [
      { title: 'KEY', value: ({ key }) => key },
      { title: 'STATE', value: ({ state }) => state },
      { title: 'DURATION', value: ({ duration }) => formatSeconds(duration), align: 'right' },
      { title: 'TASK ID', value: ({ task_id }) => task_id },
      { title: 'AFTER', value: ({ task_id }) => (parents.get(task_id) ?? []).join(', ') },
      { title: 'ERROR', value: ({ error }) => error ?? '', isFlexible: true },
    ],
    tasks,
    width,
  )
}
