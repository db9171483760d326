import { durationSeconds, isEnded, type PastAttempt, type Task } from '../shared/core/task.ts'
import type { Relative } from '../shared/store/dependencies.ts'
import type { ListedState } from '../shared/store/tasks.ts'
import type { Worker } from '../shared/store/workers.ts'
import type { Autoscaler } from './autoscale/autoscaler.ts'
import type { TaskDetail } from './tasks.ts'

export type WorkerStatus = 'idle' | 'busy' | 'draining' | 'offline'

/**
 * A task as callers see it.
 *
 * @param unset what stands for a time that is not set: `''` on /status and /api, null elsewhere
 */
export function viewTask<Unset extends '' | null>(task: Task, unset: Unset) {
  const time = (at: Date | null): string | Unset => at?.toISOString() ?? unset
  return {
    task_id: task.id,
    id: task.id,
    name: task.name,
    description: task.description,
    command: task.command,
    executor: task.executor,
    payload: task.payload,
    priority: task.priority,
    state: shownState(task),
    created_at: task.createdAt.toISOString(),
    scheduled_at: task.scheduledAt.toISOString(),
    due_at: task.dueAt.toISOString(),
    picked_at: time(task.pickedAt),
    started_at: time(task.startedAt),
    completed_at: time(task.completedAt),
    failed_at: time(task.failedAt),
    cancelled_at: time(task.cancelledAt),
    cancel_requested_at: time(task.cancelRequestedAt),
    retry_at: time(isRetrying(task) ? task.dueAt : null),
    worker_id: task.workerId,
    worker: task.workerName,
    slot: task.slot,
    attempt: task.attempt,
    failures: task.failures,
    losses: task.losses,
    max_retries: task.maxRetries,
    retry_backoff_ms: task.retryBackoffMs,
    retry_backoff_cap_ms: task.retryBackoffCapMs,
    timeout_ms: task.timeoutMs,
    cancel_grace_ms: task.cancelGraceMs,
    idempotency_key: task.idempotencyKey,
    schedule_id: task.scheduleId,
    tick_at: time(task.tickAt),
    queue: task.queue,
    labels: task.labels,
    concurrency_key: task.concurrencyKey,
    workflow_id: task.workflowId,
    workflow_key: task.workflowKey,
    parents: task.parents,
    waits_for: task.waitsFor,
    on_parent_failure: task.onParentFailure,
    duration: durationSeconds(task),
    error: task.error,
    error_stack: task.errorStack,
    output: task.output,
    result: task.result,
    progress: task.progress,
  }
}

const isRetrying = ({ state, failures }: Task) => state === 'pending' && failures > 0

const shownState = (task: Task): ListedState => (isRetrying(task) ? 'retrying' : task.state)

/** A task with all its attempts, oldest first; the last is the one that the task itself tells of. */
export function viewDetail<Unset extends '' | null>({ task, past, relatives }: TaskDetail, unset: Unset) {
  const attempts = past.map((attempt) => viewAttempt(attempt, unset))
  return {
    ...viewTask(task, unset),
    attempts: [...attempts, ...viewCurrentAttempt(task, unset)],
    depends_on: relatives.dependsOn.map(viewRelative),
    dependents: relatives.dependents.map(viewRelative),
    dependents_count: relatives.dependentsCount,
  }
}

const viewRelative = ({ taskId, key, name, command, state }: Relative) => ({
  task_id: taskId,
  key,
  name,
  command,
  state,
})

function viewAttempt<Unset extends '' | null>(
  attempt: Omit<PastAttempt, 'outcome' | 'endedAt'> & {
    outcome: PastAttempt['outcome'] | 'completed' | null
    endedAt: Date | null
  },
  unset: Unset,
) {
  const time = (at: Date | null): string | Unset => at?.toISOString() ?? unset
  return {
    attempt: attempt.attempt,
    worker_id: attempt.workerId,
    worker: attempt.workerName,
    slot: attempt.slot,
    picked_at: attempt.pickedAt.toISOString(),
    started_at: time(attempt.startedAt),
    ended_at: time(attempt.endedAt),
    outcome: attempt.outcome,
    error: attempt.error,
  }
}

/** None while nobody holds the task, and when it was cancelled before anybody did. */
function viewCurrentAttempt<Unset extends '' | null>(task: Task, unset: Unset) {
  if (!task.pickedAt || task.workerId === null) return []
  const outcome = isEnded(task.state) ? (task.state as 'completed' | 'failed' | 'cancelled') : null
  const endedAt = task.completedAt ?? task.failedAt ?? task.cancelledAt
  return [viewAttempt({ ...task, workerId: task.workerId, pickedAt: task.pickedAt, outcome, endedAt }, unset)]
}

export function viewWorker(worker: Worker) {
  return {
    id: worker.id,
    name: worker.name,
    address: worker.address,
    status: statusOf(worker),
    online: worker.online,
    slots: worker.slots,
    busy_slots: Math.min(worker.runningTaskIds.length, worker.slots),
    current_task_id: worker.runningTaskIds[0] ?? '',
    current_task_ids: worker.runningTaskIds,
    tasks_completed: worker.tasksCompleted,
    last_active_at: worker.lastSeenAt.toISOString(),
    registered_at: worker.registeredAt.toISOString(),
    labels: worker.labels,
    executors: worker.executors,
    link: worker.link,
    hostname: worker.hostname,
    pid: worker.pid,
  }
}

function statusOf({ online, draining, runningTaskIds }: Worker): WorkerStatus {
  if (!online) return 'offline'
  if (draining) return 'draining'
  return runningTaskIds.length > 0 ? 'busy' : 'idle'
}

/** How the number of workers is kept; `{ enabled: false }` when people do. */
export function viewAutoscaling(autoscaler: Autoscaler | null) {
  if (!autoscaler) return { enabled: false as const }
  const { min, max, reason, at } = autoscaler.status()
  return { enabled: true as const, min, max, reason, looked_at: at?.toISOString() ?? null }
}

export type TaskView = ReturnType<typeof viewTask<null>>
export type TaskDetailView = ReturnType<typeof viewDetail<null>>
export type WorkerView = ReturnType<typeof viewWorker>
