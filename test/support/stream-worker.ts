import { type ClientDuplexStream, credentials } from '@grpc/grpc-js'
import type { CoordinatorMessage__Output } from '../../src/shared/rpc/gen/grpcapi/CoordinatorMessage.ts'
import type { Report } from '../../src/shared/rpc/gen/grpcapi/Report.ts'
import type { Task__Output } from '../../src/shared/rpc/gen/grpcapi/Task.ts'
import type { WorkerMessage } from '../../src/shared/rpc/gen/grpcapi/WorkerMessage.ts'
import { CoordinatorService } from '../../src/shared/rpc/load.ts'
import { atEnd } from './lifetime.ts'

export interface StreamWorkerOptions {
  id: number
  /** host:port of the coordinator. */
  coordinator: string
  slots?: number
  executors?: string[]
  /** How long a task stays queued at least, in ms. */
  waitsMs?: number
  /** How long each task takes, in ms. */
  takesMs?: number
}

/** One run of one attempt; times are epoch ms by this machine's clock. */
export interface StreamRun {
  taskId: string
  attempt: number
  startedAt: number
  endedAt: number
}

/**
 * A worker inside the test process that speaks the dispatch stream and remembers what it ran, so that tests
 * need not believe the tables. Fifty of them cost little.
 */
export interface StreamWorker {
  readonly id: number
  /** In the order in which they started; `endedAt` is 0 while it runs. */
  readonly runs: StreamRun[]
  /** How many it was given, at most at one moment. */
  readonly mostHeld: number
  /** Resolves when the stream is over. */
  readonly lost: Promise<void>
  stop(): void
}

const HEARTBEAT_MS = 1000

/** Resolves when the coordinator has welcomed it. */
export async function startStreamWorker(options: StreamWorkerOptions): Promise<StreamWorker> {
  const { id, coordinator, slots = 5, executors = ['simulate'], waitsMs = 0, takesMs = 0 } = options
  const client = new CoordinatorService(coordinator, credentials.createInsecure())
  const stream: ClientDuplexStream<WorkerMessage, CoordinatorMessage__Output> = client.Work()
  const queue: Task__Output[] = []
  const runs: StreamRun[] = []
  const welcomed = Promise.withResolvers<void>()
  const lost = Promise.withResolvers<void>()
  let sequence = 0
  let busy = 0
  let mostHeld = 0

  const write = (message: WorkerMessage) => {
    if (!stream.destroyed) stream.write(message)
  }

  function report(run: StreamRun, kind: 'STARTED' | 'COMPLETED') {
    const now = Date.now()
    const item: Report = {
      task_id: run.taskId,
      attempt: run.attempt,
      kind,
      slot: 0,
      started_ago_ms: now - run.startedAt,
      ended_ago_ms: kind === 'STARTED' ? -1 : now - run.endedAt,
    }
    write({ reports: { sequence: ++sequence, items: [item] } })
  }

  function fill() {
    while (busy < slots && queue.length > 0) {
      const task = queue.shift() as Task__Output
      const run = { taskId: task.task_id, attempt: task.attempt, startedAt: Date.now(), endedAt: 0 }
      busy++
      runs.push(run)
      report(run, 'STARTED')
      setTimeout(() => {
        run.endedAt = Date.now()
        busy--
        report(run, 'COMPLETED')
        fill()
      }, takesMs)
    }
  }

  stream.on('data', (message: CoordinatorMessage__Output) => {
    if (message.welcome) welcomed.resolve()
    if (!message.tasks) return
    queue.push(...message.tasks.items)
    mostHeld = Math.max(mostHeld, queue.length + busy)
    if (waitsMs === 0) fill()
    else setTimeout(fill, waitsMs)
  })
  const heartbeat = setInterval(() => write({ heartbeat: { draining: false } }), HEARTBEAT_MS)
  const end = () => {
    clearInterval(heartbeat)
    welcomed.reject(new Error('the coordinator ended the stream'))
    lost.resolve()
  }
  stream.on('error', end)
  stream.on('end', end)
  write({ hello: { worker_id: id, name: `stream-${id}`, slots, executors, pid: process.pid } })

  const worker: StreamWorker = {
    id,
    runs,
    get mostHeld() {
      return mostHeld
    },
    lost: lost.promise,
    stop() {
      forget()
      clearInterval(heartbeat)
      stream.cancel()
      client.close()
    },
  }
  const forget = atEnd(worker.stop)
  await welcomed.promise
  return worker
}
