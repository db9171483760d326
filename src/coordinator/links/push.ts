import { credentials } from '@grpc/grpc-js'
import type { Assignment, TaskRef } from '../../shared/core/task.ts'
import { CHANNEL_OPTIONS, WorkerService } from '../../shared/rpc/load.ts'
import type { WorkerLink } from './link.ts'

export interface PushLinkOptions {
  /** host:port of the worker's WorkerService. */
  address: string
  /** ms a push may take. */
  deadlineMs: number
  /** The worker did not take this task: it is unreachable, or its answer was no. */
  onRefused: (task: Assignment, reason: string) => void
  /** This task is to be stopped, which the documented protocol cannot say. */
  onCancel: (task: TaskRef) => void
}

/** The link to a worker that is known by its heartbeats alone: each task is pushed to its address. */
export function createPushLink({ address, deadlineMs, onRefused, onCancel }: PushLinkOptions): WorkerLink {
  const client = new WorkerService(address, credentials.createInsecure(), CHANNEL_OPTIONS)
  return {
    send(tasks) {
      for (const task of tasks) {
        client.SubmitTask(
          { task_id: task.taskId, data: task.command, priority: task.priority },
          { deadline: Date.now() + deadlineMs },
          (error, response) => {
            if (error) onRefused(task, error.details || error.message)
            else if (!response?.success) onRefused(task, response?.message || 'refused')
          },
        )
      }
    },
    cancel: (tasks) => tasks.forEach(onCancel),
    recall: () => {},
    close: () => client.close(),
  }
}
