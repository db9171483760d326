import { credentials, ServerCredentials, status } from '@grpc/grpc-js'
import type { Report } from '../../shared/core/report.ts'
import { TEXT_LIMITS } from '../../shared/core/submission.ts'
import { DEFAULT_CANCEL_GRACE_MS } from '../../shared/core/task.ts'
import type { Log } from '../../shared/log.ts'
import type { WorkerServiceHandlers } from '../../shared/rpc/gen/grpcapi/WorkerService.ts'
import { CHANNEL_OPTIONS, CoordinatorService, WorkerService } from '../../shared/rpc/load.ts'
import { createGrpcServer } from '../../shared/rpc/server.ts'
import type { Config } from '../config.ts'
import type { Pool } from '../pool.ts'
import type { Reporter } from '../reporter.ts'
import type { CoordinatorLink } from './link.ts'

/** What the documented protocol cannot say of a task. */
const UNLIMITED = { timeoutMs: null, cancelGraceMs: DEFAULT_CANCEL_GRACE_MS }

/** Tasks that a coordinator may push here before some have ended, and characters of the id of one. */
export const MAX_HELD = 4000
const MAX_ID = 255

/** ms a documented RPC may take. */
const DEADLINE_MS = 5000

type Status = 'STARTED' | 'COMPLETE' | 'FAILED'

export interface PushLinkOptions {
  address: string
  config: Config
  hostname: string
  pool: Pool
  reporter: Reporter
  log: Log
  /** Whether this worker takes no new tasks. */
  isDraining: () => boolean
}

/**
 * Serves a coordinator that knows only the documented RPCs: tasks are pushed to a WorkerService of ours,
 * heartbeats and statuses go up one call each. Attempts are unknown there; every task counts as attempt 0. A worker
 * that drains does not beat, which is the only way to say so here: it only reports what it still runs.
 *
 * @throws when the port cannot be bound or the first heartbeat is not answered
 */
export async function openPushLink(options: PushLinkOptions): Promise<CoordinatorLink> {
  const { address, config, reporter, log, isDraining } = options
  const client = new CoordinatorService(address, credentials.createInsecure(), CHANNEL_OPTIONS)
  const served = isDraining() ? null : await serve(options)
  const { promise: lost, resolve: onLost } = Promise.withResolvers<string>()
  let heardAt = performance.now()
  let open = true

  const beat = () =>
    new Promise<void>((resolve, reject) => {
      client.SendHeartbeat(
        { workerId: config.id, address: served?.advertised ?? '' },
        deadline(),
        (error) => {
          if (error) return reject(error)
          heardAt = performance.now()
          resolve()
        },
      )
    })

  const heartbeat = setInterval(() => {
    if (isDraining()) return
    if (performance.now() - heardAt > config.silenceMs) end('no answer to heartbeats')
    else beat().catch((error) => log.warn({ err: error }, 'A heartbeat was not answered'))
  }, config.heartbeatIntervalMs)

  function end(reason: string) {
    if (!open) return // or it would detach the next link
    open = false
    clearInterval(heartbeat)
    reporter.detach()
    served?.server.forceShutdown()
    client.close()
    onLost(reason)
  }

  /** Starts that were passed on here, of tasks whose end was not. */
  const starts = new Map<string, Promise<void>>()

  /** A start and an end that were folded into one report are two calls, in their order. */
  async function sendStatus(report: Report) {
    if (report.startedAt !== null) {
      const started = starts.get(report.taskId) ?? updateStatus(report, 'STARTED')
      starts.set(report.taskId, started)
      await started
    }
    if (report.kind !== 'started') starts.delete(report.taskId)
    if (report.kind === 'completed') await updateStatus(report, 'COMPLETE')
    // These calls cannot hand back what has started.
    const isGivenBack = report.kind === 'returned' && report.startedAt !== null
    if (report.kind === 'failed' || isGivenBack) await updateStatus(report, 'FAILED')
  }

  let answered = Promise.resolve()

  /** A message counts as acknowledged when all of its calls, and those of all before it, were answered. */
  async function sendStatuses(sequence: number, reports: Report[]) {
    answered = Promise.all([answered, ...reports.map(sendStatus)]).then(() => {})
    try {
      await answered
      if (open) reporter.acknowledge(sequence)
    } catch (error) {
      end(`a status was not accepted: ${(error as Error).message}`)
    }
  }

  function updateStatus(report: Report, status: Status): Promise<void> {
    const epoch = (at: number | null) =>
      at === null ? 0 : Math.floor((Date.now() - (performance.now() - at)) / 1000)
    return new Promise((resolve, reject) => {
      client.UpdateTaskStatus(
        {
          task_id: report.taskId,
          status,
          started_at: epoch(report.startedAt),
          completed_at: status === 'COMPLETE' ? epoch(report.endedAt) : 0,
          failed_at: status === 'FAILED' ? epoch(report.endedAt) : 0,
          worker_id: config.id,
        },
        deadline(),
        (error) => (error ? reject(error) : resolve()),
      )
    })
  }

  try {
    if (served) await beat()
  } catch (error) {
    end('not registered')
    throw error
  }
  reporter.attach({ send: (sequence, reports) => void sendStatuses(sequence, reports) })
  return {
    lost,
    drain() {
      served?.server.tryShutdown(() => {})
    },
    close: () => end('closed'),
  }
}

const deadline = () => ({ deadline: Date.now() + DEADLINE_MS })

async function serve({ address, config, hostname, pool, isDraining }: PushLinkOptions) {
  const server = createGrpcServer()
  const handlers: WorkerServiceHandlers = {
    SubmitTask(call, callback) {
      if (isDraining()) return callback({ code: status.UNAVAILABLE, details: 'this worker is draining' })
      const { task_id, data, priority } = call.request
      if (task_id === '' || task_id.length > MAX_ID || data.length > TEXT_LIMITS.command) {
        return callback({
          code: status.INVALID_ARGUMENT,
          details: `task_id must have 1 to ${MAX_ID} characters, and data at most ${TEXT_LIMITS.command}`,
        })
      }
      if (pool.size() >= MAX_HELD) {
        return callback({ code: status.RESOURCE_EXHAUSTED, details: `this worker holds ${MAX_HELD} tasks` })
      }
      pool.take({
        taskId: task_id,
        attempt: 0,
        command: data,
        executor: 'simulate',
        payload: null,
        priority,
        ...UNLIMITED,
      })
      callback(null, { task_id, message: 'Task was submitted', success: true })
    },
  }
  server.addService(WorkerService.service, handlers)
  // A coordinator on this machine reaches loopback; any other needs an open port and this host's name.
  const local = /^(localhost|127\.|\[?::1)/.test(address)
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(
      `${local ? '127.0.0.1' : '0.0.0.0'}:${config.port}`,
      ServerCredentials.createInsecure(),
      (error, port) => (error ? reject(error) : resolve(port)),
    )
  })
  const host = config.address ?? (local ? '127.0.0.1' : hostname)
  return { server, advertised: /:\d+$/.test(host) ? host : `${host}:${port}` }
}
