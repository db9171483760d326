import { credentials, status } from '@grpc/grpc-js'
import {
  assignmentFromMessage,
  logToMessage,
  progressToMessage,
  reportToMessage,
} from '../../shared/rpc/convert.ts'
import type { CoordinatorMessage__Output } from '../../shared/rpc/gen/grpcapi/CoordinatorMessage.ts'
import type { WorkerMessage } from '../../shared/rpc/gen/grpcapi/WorkerMessage.ts'
import { CHANNEL_OPTIONS, CoordinatorService } from '../../shared/rpc/load.ts'
import type { Config } from '../config.ts'
import type { Pool } from '../pool.ts'
import type { Reporter } from '../reporter.ts'
import { type CoordinatorLink, UNIMPLEMENTED } from './link.ts'

/** ms a coordinator has to answer the hello. */
const WELCOME_MS = 5000

export interface StreamLinkOptions {
  address: string
  /** The number of this hello among all of this worker. */
  greeting: number
  config: Config
  hostname: string
  pool: Pool
  reporter: Reporter
  /** What this worker runs: executors, and `function:<name>` for each handler. */
  executors: string[]
  /** Whether this worker takes no new tasks. */
  isDraining: () => boolean
}

/**
 * Opens a dispatch stream and offers all that this worker holds.
 *
 * @returns the link once the coordinator has welcomed this worker, or UNIMPLEMENTED
 * @throws when the coordinator cannot be reached or does not answer in time
 */
export function openStreamLink(options: StreamLinkOptions): Promise<CoordinatorLink | typeof UNIMPLEMENTED> {
  const { address, config, pool, reporter, isDraining } = options
  const client = new CoordinatorService(address, credentials.createInsecure(), CHANNEL_OPTIONS)
  const stream = client.Work()
  const write = (message: WorkerMessage) => {
    if (!stream.destroyed) stream.write(message)
  }
  let heardAt = performance.now()

  const heartbeat = setInterval(() => {
    if (performance.now() - heardAt > config.silenceMs) stream.cancel()
    else write({ heartbeat: { draining: isDraining() } })
  }, config.heartbeatIntervalMs)

  let over = false
  const { promise: lost, resolve: onLost } = Promise.withResolvers<string>()
  function end(reason: string) {
    // A stream may say twice that it is over, and reports may go to the next by then.
    if (over) return
    over = true
    clearInterval(heartbeat)
    reporter.detach()
    client.close()
    onLost(reason)
  }

  const link: CoordinatorLink = {
    lost,
    drain() {
      pool.drain()
      write({ heartbeat: { draining: true } })
    },
    close() {
      stream.end()
      end('closed')
    },
  }

  function receive(message: CoordinatorMessage__Output) {
    // What arrives on a lost stream is not this worker's any more: the next hello will not offer it.
    if (over) return
    heardAt = performance.now()
    if (message.tasks) {
      // They were on their way when it began to drain.
      if (isDraining()) pool.drain()
      pool.takeAll(message.tasks.items.map(assignmentFromMessage))
    } else if (message.ack) reporter.acknowledge(message.ack.sequence)
    else if (message.recall) pool.recall(refs(message.recall.items))
    else if (message.cancel) pool.cancel(refs(message.cancel.items))
  }

  return new Promise((resolve, reject) => {
    const late = setTimeout(() => stream.cancel(), WELCOME_MS)
    stream.on('data', (message: CoordinatorMessage__Output) => {
      if (!message.welcome) return receive(message)
      clearTimeout(late)
      const revoked = refs(message.welcome.revoked)
      pool.revoke(revoked)
      reporter.revoke(revoked)
      reporter.attach({
        send: (sequence, reports, { logs, progress }) => {
          const now = performance.now()
          write({
            reports: {
              sequence,
              items: reports.map((report) => reportToMessage(report, now)),
              logs: logs.map((log) => logToMessage(log, now)),
              progress: progress.map(progressToMessage),
            },
          })
        },
      })
      resolve(link)
    })
    const fail = (reason: string, code?: number) => {
      clearTimeout(late)
      end(reason)
      if (code === status.UNIMPLEMENTED) resolve(UNIMPLEMENTED)
      else reject(new Error(reason))
    }
    stream.on('error', (error: Error & { code?: number }) => fail(error.message, error.code))
    stream.on('end', () => fail('the coordinator ended the stream'))

    write({ hello: hello(options) })
  })
}

function hello(options: StreamLinkOptions) {
  const { config, hostname, pool, reporter, greeting } = options
  const held = new Map(pool.held().map((task) => [`${task.taskId}#${task.attempt}`, task]))
  for (const task of reporter.unacknowledged()) {
    held.set(
      `${task.taskId}#${task.attempt}`,
      held.get(`${task.taskId}#${task.attempt}`) ?? { ...task, started: true },
    )
  }
  return {
    worker_id: config.id,
    name: config.name,
    address: addressOf(config.address ?? hostname, config.port),
    slots: config.slots,
    labels: config.labels,
    executors: options.executors,
    hostname,
    pid: process.pid,
    greeting,
    draining: options.isDraining(),
    held: [...held.values()].map(({ taskId, attempt, started }) => ({ task_id: taskId, attempt, started })),
  }
}

/** Where this worker would be reached: with its port, when it has one. */
const addressOf = (host: string, port: number) => (port > 0 && !/:\d+$/.test(host) ? `${host}:${port}` : host)

const refs = (items: { task_id: string; attempt: number }[]) =>
  items.map(({ task_id, attempt }) => ({ taskId: task_id, attempt }))
