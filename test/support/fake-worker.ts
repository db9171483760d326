import { Server, ServerCredentials } from '@grpc/grpc-js'
import type { TaskRequest__Output } from '../../src/shared/rpc/gen/grpcapi/TaskRequest.ts'
import type { WorkerServiceHandlers } from '../../src/shared/rpc/gen/grpcapi/WorkerService.ts'
import { documentedClient } from './client.ts'
import { WorkerService } from './documented.ts'
import { atEnd } from './lifetime.ts'

export interface FakeWorkerOptions {
  /** uint32. */
  id: number
  /** host:port of the coordinator it beats to. */
  coordinator: string
  /** Whether it reports each task as started and complete; one that does not holds them for ever. */
  reports: boolean
  /** How long each task takes that it reports, in ms. */
  takesMs?: number
  heartbeatMs?: number
}

/** A worker of somebody else's: it knows the documented calls alone. */
export interface FakeWorker {
  readonly id: number
  /** Where it serves WorkerService. */
  readonly address: string
  /** Every task it was sent, in the order of arrival. */
  readonly received: TaskRequest__Output[]
  /** Says nothing more, but still takes what it is sent. */
  silence(): void
  /** Gone, as a process that was killed is. */
  stop(): void
}

/** Starts one and resolves when its first heartbeat is acknowledged. */
export async function startFakeWorker(options: FakeWorkerOptions): Promise<FakeWorker> {
  const { id, coordinator, reports, takesMs = 0, heartbeatMs = 5000 } = options
  const client = documentedClient(coordinator)
  const received: TaskRequest__Output[] = []
  const handlers: WorkerServiceHandlers = {
    SubmitTask({ request }, callback) {
      received.push(request)
      callback(null, { task_id: request.task_id, message: 'Task was submitted', success: true })
      if (reports) run(request.task_id).catch((error) => console.error(`fake worker ${id}: ${error.message}`))
    },
  }

  async function run(taskId: string) {
    const seconds = () => Math.floor(Date.now() / 1000)
    const about = { task_id: taskId, worker_id: id }
    const started = client.updateTaskStatus({ ...about, status: 'STARTED', started_at: seconds() })
    await Promise.all([started, takesMs > 0 && Bun.sleep(takesMs)])
    await client.updateTaskStatus({ ...about, status: 'COMPLETE', completed_at: seconds() })
  }

  const server = new Server()
  server.addService(WorkerService.service, handlers)
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
  const address = `127.0.0.1:${port}`
  const beat = () => client.sendHeartbeat({ workerId: id, address })
  await beat()
  const timer = setInterval(() => beat().catch(() => {}), heartbeatMs)

  const worker: FakeWorker = {
    id,
    address,
    received,
    silence: () => clearInterval(timer),
    stop() {
      forget()
      clearInterval(timer)
      server.forceShutdown()
      client.close()
    },
  }
  const forget = atEnd(worker.stop)
  return worker
}
