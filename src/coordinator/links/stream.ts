import type { ServerDuplexStream } from '@grpc/grpc-js'
import { assignmentToMessage } from '../../shared/rpc/convert.ts'
import type { CoordinatorMessage } from '../../shared/rpc/gen/grpcapi/CoordinatorMessage.ts'
import type { Task as TaskMessage } from '../../shared/rpc/gen/grpcapi/Task.ts'
import type { WorkerMessage__Output } from '../../shared/rpc/gen/grpcapi/WorkerMessage.ts'
import type { WorkerLink } from './link.ts'

/** Characters of one message of tasks, about: the message limit of gRPC is far above it. */
const MESSAGE_SIZE = 1_048_576

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
    send(tasks) {
      for (const some of inMessages(tasks.map(assignmentToMessage))) write({ tasks: { items: some } })
    },
    cancel: (tasks) => write({ cancel: refs(tasks) }),
    recall: (tasks) => write({ recall: refs(tasks) }),
    close: () => stream.end(),
  }
}

/** In their order, no more in one message than `MESSAGE_SIZE`, or a single one. */
function inMessages(tasks: TaskMessage[]): TaskMessage[][] {
  const messages: TaskMessage[][] = []
  let left = 0
  for (const task of tasks) {
    const size = (task.command?.length ?? 0) + (task.payload?.length ?? 0) + (task.parents?.length ?? 0)
    if (left < size || messages.length === 0) {
      messages.push([])
      left = MESSAGE_SIZE
    }
    left -= size
    messages.at(-1)?.push(task)
  }
  return messages
}
