import type { AttemptRow, TaskRow } from '../../shared/store/evidence.ts'
import type { Evidence, HistoryEvent } from './evidence.ts'
import { findLives, type Lives } from './lives.ts'

/** The evidence, found by task and by attempt. */
export interface Index {
  evidence: Evidence
  tasks: Map<string, TaskRow>
  /** The attempts of each task that were not its last. */
  past: Map<string, AttemptRow[]>
  /** What the executor of each attempt wrote, in its order; see `attemptKey`. */
  history: Map<string, HistoryEvent[]>
  lives: Lives
}

export const attemptKey = (taskId: string, attempt: number) => `${taskId}#${attempt}`

export function indexEvidence(evidence: Evidence): Index {
  const tasks = new Map(evidence.tasks.map((task) => [task.id, task]))
  return {
    evidence,
    tasks,
    lives: findLives({ evidence, tasks }),
    past: Map.groupBy(evidence.attempts, ({ taskId }) => taskId),
    history: Map.groupBy(evidence.history, ({ taskId, attempt }) => attemptKey(taskId, attempt)),
  }
}
