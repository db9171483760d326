import { credentials, Server, ServerCredentials, status } from '@grpc/grpc-js'
import type { HeartbeatRequest__Output } from '../../src/shared/rpc/gen/grpcapi/HeartbeatRequest.ts'
import type { TaskResponse__Output } from '../../src/shared/rpc/gen/grpcapi/TaskResponse.ts'
import type { UpdateTaskStatusRequest__Output } from '../../src/shared/rpc/gen/grpcapi/UpdateTaskStatusRequest.ts'
import { CoordinatorService, WorkerService } from './documented.ts'
import { atEnd } from './lifetime.ts'

/** A coordinator of somebody else's: it knows the documented calls alone, so `Work` is UNIMPLEMENTED. */
export interface FakeCoordinator {
  /** host:port. */
  readonly address: string
  /** Every heartbeat, in the order of arrival. */
  readonly heartbeats: HeartbeatRequest__Output[]
  /** Every status, in the order of arrival. */
  readonly statuses: UpdateTaskStatusRequest__Output[]
  /** Pushes a task to the address of the latest heartbeat; rejects with the gRPC error. */
  push(taskId: string, data: string): Promise<TaskResponse__Output>
  /** Refuses every status from now on, or takes them again. */
  refuse(refusing: boolean): void
  stop(): void
}

/** @param port 0: any free one */
export async function startFakeCoordinator(port = 0): Promise<FakeCoordinator> {
  const heartbeats: HeartbeatRequest__Output[] = []
  const statuses: UpdateTaskStatusRequest__Output[] = []
  let refusing = false
  const server = new Server()
  server.addService(CoordinatorService.service, {
    SendHeartbeat({ request }: { request: HeartbeatRequest__Output }, callback: Answer<object>) {
      heartbeats.push(request)
      callback(null, { acknowledged: true })
    },
    UpdateTaskStatus({ request }: { request: UpdateTaskStatusRequest__Output }, callback: Answer<object>) {
      if (refusing) return callback({ code: status.UNAVAILABLE, details: 'not now' })
      statuses.push(request)
      callback(null, { success: true })
    },
  })
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })

  const fake: FakeCoordinator = {
    address: `127.0.0.1:${bound}`,
    heartbeats,
    statuses,
    push(taskId, data) {
      const client = new WorkerService(heartbeats.at(-1)?.address ?? '', credentials.createInsecure())
      return new Promise((resolve, reject) => {
        const request = { task_id: taskId, data, priority: 0 }
        client.SubmitTask(request, { deadline: Date.now() + 5000 }, (error, response) => {
          client.close()
          if (error) reject(error)
          else resolve(response as TaskResponse__Output)
        })
      })
    },
    refuse(now) {
      refusing = now
    },
    stop() {
      forget()
      server.forceShutdown()
    },
  }
  const forget = atEnd(fake.stop)
  return fake
}

type Answer<Response> = (error: { code: number; details: string } | null, response?: Response) => void
