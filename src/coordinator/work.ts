import { formatAddress, parseHost, readPeer } from '../shared/core/address.ts'
import { PLAIN } from '../shared/core/lane.ts'
import { type AttemptLog, OUTPUT_LIMITS, truncate } from '../shared/core/output.ts'
import { findJsonFault } from '../shared/core/storable.ts'
import type { Log } from '../shared/log.ts'
import { logFromMessage, progressFromMessage, reportFromMessage } from '../shared/rpc/convert.ts'
import type { Hello__Output } from '../shared/rpc/gen/grpcapi/Hello.ts'
import type { Reports__Output } from '../shared/rpc/gen/grpcapi/Reports.ts'
import type { WorkerReport } from '../shared/store/dispatch.ts'
import type { WorkerIdentity } from '../shared/store/workers.ts'
import type { Said } from './journal.ts'
import { createStreamLink, type WorkStream } from './links/stream.ts'
import type { Connection, Registry } from './registry.ts'

const MAX_SLOTS = 1024
/** A result may be nested this deep. */
const MAX_DEPTH = 100

export interface WorkOptions {
  registry: Registry
  log: Log
  /** Resolves when the reports are committed, which they are after `before`. */
  report: (reports: WorkerReport[], before: Promise<void> | null) => Promise<void>
  /** Resolves when what attempts said is committed. */
  store: (said: Said) => Promise<void>
}

/** Serves dispatch streams: hello, then heartbeats and reports up, tasks and acknowledgements down. */
export function createWorkServer({
  registry,
  log,
  report,
  store,
}: WorkOptions): (stream: WorkStream) => void {
  return (stream) => {
    let connection: Connection | null = null
    let greeted = false
    let closed = false
    /** What was said and is not yet stored: what comes after it waits, so that an end has all of its lines. */
    let storing: Promise<void> | null = null
    /** All that is to be acknowledged before what comes next: an acknowledgement counts for all before it. */
    let reported: Promise<unknown> = Promise.resolve()

    async function greet(hello: Hello__Output) {
      const tasks = hello.held.map(({ task_id, attempt, started }) => ({
        taskId: task_id,
        attempt,
        started,
      }))
      const result = await registry.connect(identityOf(hello, stream.getPeer()), createStreamLink(stream), {
        greeting: hello.greeting,
        tasks,
        draining: hello.draining,
      })
      connection = result.connection
      if (closed) return registry.disconnect(connection, false)
      stream.write({
        welcome: { revoked: result.revoked.map(({ taskId, attempt }) => ({ task_id: taskId, attempt })) },
      })
    }

    function receive({ sequence, items, logs, progress }: Reports__Output, from: Connection) {
      const now = performance.now()
      const { workerId } = from
      const reports = items.map((item) => {
        const parsed = reportFromMessage(item, now)
        return {
          ...parsed,
          error: storable(parsed.error, OUTPUT_LIMITS.error),
          stack: storable(parsed.stack, OUTPUT_LIMITS.stack),
          output: storable(parsed.output, OUTPUT_LIMITS.output),
          result: storableJson(parsed.result),
          workerId,
        }
      })
      if (logs.length > 0 || progress.length > 0) {
        const own = store({
          logs: logs.map((one) => ({ ...storableLog(logFromMessage(one, now)), workerId })),
          progress: progress.map((one) => ({ ...progressFromMessage(one), workerId })),
        })
        const stored = storing ? Promise.all([storing, own]).then(() => {}) : own
        storing = stored
        const forget = () => {
          if (storing === stored) storing = null
        }
        stored.then(forget, forget)
      }
      reported = Promise.all([reported, report(reports, storing)])
      reported.then(
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

function identityOf(hello: Hello__Output, peer: string): WorkerIdentity {
  return {
    id: hello.worker_id,
    name: hello.name,
    address: addressOf(hello.address, peer),
    link: 'stream',
    slots: Math.max(1, Math.min(hello.slots, MAX_SLOTS)),
    labels: hello.labels,
    executors: hello.executors.length > 0 ? hello.executors : PLAIN.executors,
    hostname: hello.hostname,
    pid: hello.pid,
  }
}

/** Where the worker is, as `host:port`. One that listens nowhere has the port of its own end of the stream. */
function addressOf(given: string, peer: string): string {
  const from = readPeer(peer)
  const { host, port } = parseHost(given) ?? { host: from?.host ?? '', port: null }
  return host && from ? formatAddress({ host, port: port ?? from.port }) : given
}

/** PostgreSQL text has no NUL; what is too long is cut, not refused. */
const storable = (text: string | null | undefined, limit: number) =>
  text ? truncate(text.replaceAll('\0', ''), limit) : null

const storableLog = (log: AttemptLog): AttemptLog => ({
  ...log,
  lines: log.lines.map((line) => ({ ...line, text: storable(line.text, OUTPUT_LIMITS.line) ?? '' })),
})

/** A worker of ours sends none that jsonb would not take. */
function storableJson(text: string | null | undefined): string | null {
  if (!text || text.length > OUTPUT_LIMITS.result) return null
  try {
    return findJsonFault(JSON.parse(text), MAX_DEPTH) === null ? text : null
  } catch {
    return null
  }
}
