import { afterAll } from 'bun:test'
import { ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js'
import type { CoordinatorMessage } from '../../src/shared/rpc/gen/grpcapi/CoordinatorMessage.ts'
import type { Report__Output } from '../../src/shared/rpc/gen/grpcapi/Report.ts'
import type { WorkerMessage__Output } from '../../src/shared/rpc/gen/grpcapi/WorkerMessage.ts'
import { CoordinatorService } from '../../src/shared/rpc/load.ts'
import { createGrpcServer } from '../../src/shared/rpc/server.ts'

export interface PumpingCoordinator {
  /** host:port. */
  readonly address: string
  /** The reports of each message, in the order of arrival. */
  readonly messages: Report__Output[][]
}

/** A coordinator without a database: it gives its worker instantaneous tasks, so many at a time, and acknowledges at once. */
export async function startPumpingCoordinator(tasks: number, window: number): Promise<PumpingCoordinator> {
  const messages: Report__Output[][] = []
  const server = createGrpcServer()
  server.addService(CoordinatorService.service, {
    Work(stream: ServerDuplexStream<WorkerMessage__Output, CoordinatorMessage>) {
      let sent = 0
      let ended = 0
      const give = () => {
        const some = Math.min(tasks - sent, window - (sent - ended))
        if (some < Math.min(window / 4, tasks - sent) || some === 0) return
        stream.write({ tasks: { items: Array.from({ length: some }, () => taskMessage(sent++)) } })
      }
      stream.on('data', ({ hello, heartbeat, reports }: WorkerMessage__Output) => {
        if (hello) stream.write({ welcome: { revoked: [] } })
        if (heartbeat) stream.write({ beat: {} })
        if (reports) {
          messages.push(reports.items)
          ended += reports.items.filter(({ kind }) => kind !== 'STARTED').length
          stream.write({ ack: { sequence: reports.sequence } })
        }
        give()
      })
      stream.on('error', () => {})
    },
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
  afterAll(() => server.forceShutdown())
  return { address: `127.0.0.1:${port}`, messages }
}

const taskMessage = (n: number) => ({
  task_id: `01900000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`,
  ...{ attempt: 1, command: 'brief', executor: 'simulate', payload: '{"duration_ms":0}', priority: 0 },
  ...{ timeout_ms: 0, cancel_grace_ms: 5000, parents: '' },
})
