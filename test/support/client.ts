import { credentials, type requestCallback, type ServiceError } from '@grpc/grpc-js'
import type { ClientTaskResponse__Output } from '../../src/shared/rpc/gen/grpcapi/ClientTaskResponse.ts'
import type { HeartbeatRequest } from '../../src/shared/rpc/gen/grpcapi/HeartbeatRequest.ts'
import type { HeartbeatResponse__Output } from '../../src/shared/rpc/gen/grpcapi/HeartbeatResponse.ts'
import type { UpdateTaskStatusRequest } from '../../src/shared/rpc/gen/grpcapi/UpdateTaskStatusRequest.ts'
import type { UpdateTaskStatusResponse__Output } from '../../src/shared/rpc/gen/grpcapi/UpdateTaskStatusResponse.ts'
import type { WorkerMeta__Output } from '../../src/shared/rpc/gen/grpcapi/WorkerMeta.ts'
import { CoordinatorService } from './documented.ts'
import { atEnd } from './lifetime.ts'

/** A client of a coordinator that knows the documented calls. Each rejects with the gRPC error. */
export interface DocumentedClient {
  submitTask(data: string): Promise<ClientTaskResponse__Output>
  sendHeartbeat(request: HeartbeatRequest): Promise<HeartbeatResponse__Output>
  updateTaskStatus(request: UpdateTaskStatusRequest): Promise<UpdateTaskStatusResponse__Output>
  listWorkers(): Promise<WorkerMeta__Output[]>
  /** Also done by itself when the test file ends. */
  close(): void
}

const LIMIT_MS = 10_000

/** @param address host:port of a coordinator */
export function documentedClient(address: string): DocumentedClient {
  const grpc = new CoordinatorService(address, credentials.createInsecure())
  const limit = () => ({ deadline: Date.now() + LIMIT_MS })
  const client: DocumentedClient = {
    submitTask: (data) => answer((callback) => grpc.SubmitTask({ data }, limit(), callback)),
    sendHeartbeat: (request) => answer((callback) => grpc.SendHeartbeat(request, limit(), callback)),
    updateTaskStatus: (request) => answer((callback) => grpc.UpdateTaskStatus(request, limit(), callback)),
    async listWorkers() {
      const { workers } = await answer((callback: requestCallback<{ workers: WorkerMeta__Output[] }>) =>
        grpc.ListWorkers({}, limit(), callback),
      )
      return workers
    },
    close() {
      forget()
      grpc.close()
    },
  }
  const forget = atEnd(client.close)
  return client
}

/** The error of a call that must fail. */
export async function failureOf(call: Promise<unknown>): Promise<Pick<ServiceError, 'code' | 'details'>> {
  const outcome = await call.then(
    () => null,
    (error: ServiceError) => error,
  )
  if (!outcome) throw new Error('the call succeeded')
  return { code: outcome.code, details: outcome.details }
}

function answer<Response>(send: (callback: requestCallback<Response>) => unknown): Promise<Response> {
  return new Promise((resolve, reject) => {
    send((error, response) => (error ? reject(error) : resolve(response as Response)))
  })
}
