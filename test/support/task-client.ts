import { credentials, loadPackageDefinition, type ServiceError } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import type { TaskRequest } from '../../src/shared/rpc/gen/task/TaskRequest.ts'
import type { ProtoGrpcType } from '../../src/shared/rpc/gen/task.ts'
import { atEnd } from './lifetime.ts'

const options = { longs: Number, enums: String, keepCase: true, defaults: true }
const { task } = loadPackageDefinition(
  loadSync(`${import.meta.dir}/task.proto`, options),
) as unknown as ProtoGrpcType

/** A client of another system: it knows `task.TaskService` by a proto file of its own. */
export interface TaskClient {
  submit(request: TaskRequest): Promise<{ task_id: string; success: boolean; message: string }>
  status(taskId: string): Promise<{ task_id: string; status: string }>
  /** Follows a task; `updates` grows, and `ended` resolves with the error that ended it, or null. */
  follow(taskId: string): {
    updates: { task_id: string; status: string }[]
    ended: Promise<Pick<ServiceError, 'code' | 'details'> | null>
    cancel(): void
  }
}

const LIMIT_MS = 10_000

/** @param address host:port of a coordinator */
export function taskClient(address: string): TaskClient {
  const grpc = new task.TaskService(address, credentials.createInsecure())
  atEnd(() => grpc.close())
  const limit = () => ({ deadline: Date.now() + LIMIT_MS })
  const answer = <Response>(send: (callback: (error: unknown, response?: Response) => void) => unknown) =>
    new Promise<Response>((resolve, reject) => {
      send((error, response) => (error ? reject(error) : resolve(response as Response)))
    })
  return {
    submit: (request) => answer((callback) => grpc.SubmitTask(request, limit(), callback)),
    status: (task_id) => answer((callback) => grpc.GetTaskStatus({ task_id }, limit(), callback)),
    follow(task_id) {
      const stream = grpc.StreamTaskUpdates({ task_id })
      const updates: { task_id: string; status: string }[] = []
      stream.on('data', (update) => updates.push(update))
      const ended = new Promise<Pick<ServiceError, 'code' | 'details'> | null>((resolve) => {
        stream.on('error', ({ code, details }: ServiceError) => resolve({ code, details }))
        stream.on('end', () => resolve(null))
      })
      return { updates, ended, cancel: () => stream.cancel() }
    },
  }
}
