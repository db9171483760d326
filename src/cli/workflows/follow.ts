import { AppError } from '../../shared/core/error.ts'
import type { Api } from '../api.ts'
import type { WorkflowGraphView, WorkflowTaskView } from './view.ts'

/** ms between two looks. */
const INTERVAL_MS = 500
/** How long the scheduler may be away. */
const PATIENCE_MS = 60_000

/**
 * Watches a workflow until all of its tasks have ended.
 *
 * @param onChange told of each task as it is first seen, and whenever its state is another
 * @throws `unavailable` when the scheduler stays away for a minute
 */
export async function followWorkflow(
  api: Api,
  id: string,
  onChange: (task: WorkflowTaskView) => void,
): Promise<WorkflowGraphView> {
  const seen = new Map<string, string>()
  let answeredAt = performance.now()
  for (;;) {
    try {
      const graph = await api.get<WorkflowGraphView>(`/api/workflows/${encodeURIComponent(id)}`)
      answeredAt = performance.now()
      for (const task of graph.tasks) {
        if (seen.get(task.task_id) === task.state) continue
        seen.set(task.task_id, task.state)
        onChange(task)
      }
      if (graph.state !== 'running') return graph
    } catch (error) {
      const isAway = error instanceof AppError && error.code === 'unavailable'
      if (!isAway || performance.now() - answeredAt > PATIENCE_MS) throw error
    }
    await Bun.sleep(INTERVAL_MS)
  }
}
