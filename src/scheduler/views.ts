import { durationSeconds, type Task } from '../shared/core/task.ts'
import type { Worker } from '../shared/store/workers.ts'

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
    state: task.state,
    created_at: task.createdAt.toISOString(),
    scheduled_at: task.scheduledAt.toISOString(),
    due_at: task.dueAt.toISOString(),
    picked_at: time(task.pickedAt),
    started_at: time(task.startedAt),
    completed_at: time(task.completedAt),
    failed_at: time(task.failedAt),
    cancelled_at: time(task.cancelledAt),
    worker_id: task.workerId,
    worker: task.workerName,
    slot: task.slot,
    attempt: task.attempt,
    failures: task.failures,
    max_retries: task.maxRetries,
    duration: durationSeconds(task),
    error: task.error,
    output: task.output,
  }
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

export type TaskView = ReturnType<typeof viewTask<null>>
export type WorkerView = ReturnType<typeof viewWorker>
