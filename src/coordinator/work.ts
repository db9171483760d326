import { PLAIN } from '../shared/core/lane.ts'
import type { Log } from '../shared/log.ts'
import { reportFromMessage } from '../shared/rpc/convert.ts'
import type { Hello__Output } from '../shared/rpc/gen/grpcapi/Hello.ts'
import type { Reports__Output } from '../shared/rpc/gen/grpcapi/Reports.ts'
import type { WorkerReport } from '../shared/store/dispatch.ts'
import type { WorkerIdentity } from '../shared/store/workers.ts'
import { createStreamLink, type WorkStream } from './links/stream.ts'
import type { Connection, Registry } from './registry.ts'

const MAX_SLOTS = 1024
/** Reports hold what a task printed: longer text is cut, not refused. */
const MAX_TEXT = 65_536

export interface WorkOptions {
  registry: Registry
  log: Log
  /** Resolves when the reports are committed. */
  report: (reports: WorkerReport[]) => Promise<void>
}

/** Serves dispatch streams: hello, then heartbeats and reports up, tasks and acknowledgements down. */
export function createWorkServer({ registry, log, report }: WorkOptions): (stream: WorkStream) => void {
  return (stream) => {
    let connection: Connection | null = null
    let greeted = false
    let closed = false

    async function greet(hello: Hello__Output) {
      const tasks = hello.held.map(({ task_id, attempt, started }) => ({
        taskId: task_id,
        attempt,
        started,
      }))
      const result = await registry.connect(identityOf(hello), createStreamLink(stream), {
        greeting: hello.greeting,
        tasks,
      })
      connection = result.connection
      if (closed) return registry.disconnect(connection, false)
      stream.write({
        welcome: { revoked: result.revoked.map(({ taskId, attempt }) => ({ task_id: taskId, attempt })) },
      })
    }

    function receive({ sequence, items }: Reports__Output, from: Connection) {
      const now = performance.now()
      const reports = items.map((item) => {
        const parsed = reportFromMessage(item, now)
        return {
          ...parsed,
          error: storable(parsed.error),
          output: storable(parsed.output),
          workerId: from.workerId,
        }
      })
      report(reports).then(
        () => {
          if (!closed) stream.write({ ack: { sequence } })
        },
        // Not acknowledged, nor may anything after them be: the worker offers all of it again elsewhere.
        (error) => {
          log.warn({ err: error, workerId: from.workerId }, 'Reports were not stored')
          onClose(false)
        },
      )
    }

    stream.on('data', (message) => {
      if (message.hello && !greeted) {
        greeted = true
        greet(message.hello).catch((error) => {
          log.warn({ err: error, workerId: message.hello?.worker_id }, 'Could not register a worker')
          stream.end()
        })
      } else if (connection && message.heartbeat) {
        registry.heard(connection, message.heartbeat.draining)
        stream.write({ beat: {} })
      } else if (connection && message.reports) {
        registry.heard(connection, connection.draining)
        receive(message.reports, connection)
      }
    })
    const onClose = (goodbye: boolean) => {
      if (closed) return
      closed = true
      if (connection) registry.disconnect(connection, goodbye)
      stream.end()
    }
    stream.on('end', () => onClose(connection?.draining ?? false))
    stream.on('cancelled', () => onClose(false))
    stream.on('close', () => onClose(false))
    stream.on('error', () => onClose(false))
  }
}

function identityOf(hello: Hello__Output): WorkerIdentity {
  return {
    id: hello.worker_id,
    name: hello.name,
    address: hello.address,
    link: 'stream',
    slots: Math.max(1, Math.min(hello.slots, MAX_SLOTS)),
    labels: hello.labels,
    executors: hello.executors.length > 0 ? hello.executors : PLAIN.executors,
    hostname: hello.hostname,
    pid: hello.pid,
  }
}

/** PostgreSQL text has no NUL. */
const storable = (text: string | null) => text?.replaceAll('\0', '').slice(0, MAX_TEXT) ?? null
