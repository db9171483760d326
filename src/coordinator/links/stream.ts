import type { ServerDuplexStream } from '@grpc/grpc-js'
import { assignmentToMessage } from '../../shared/rpc/convert.ts'
import type { CoordinatorMessage } from '../../shared/rpc/gen/grpcapi/CoordinatorMessage.ts'
import type { WorkerMessage__Output } from '../../shared/rpc/gen/grpcapi/WorkerMessage.ts'
import type { WorkerLink } from './link.ts'

export type WorkStream = ServerDuplexStream<WorkerMessage__Output, CoordinatorMessage>

/**
 * The link to a worker that holds a dispatch stream open. What is buffered for a slow reader is bounded by
 * the worker's window, because nothing is claimed beyond it.
 */
export function createStreamLink(stream: WorkStream): WorkerLink {
  const write = (message: CoordinatorMessage) => {
    if (!stream.destroyed && !stream.cancelled) stream.write(message)
  }
  const refs = (tasks: { taskId: string; attempt: number }[]) => ({
    items: tasks.map(({ taskId, attempt }) => ({ task_id: taskId, attempt })),
  })
  return {
    send: (tasks) => write({ tasks: { items: tasks.map(assignmentToMessage) } }),
    cancel: (tasks) => write({ cancel: refs(tasks) }),
    recall: (tasks) => write({ recall: refs(tasks) }),
    close: () => stream.end(),
  }
}
