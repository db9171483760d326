import { AppError } from '../shared/core/error.ts'
import type { TaskRef } from '../shared/core/task.ts'
import type { Log } from '../shared/log.ts'
import type { Hello__Output } from '../shared/rpc/gen/grpcapi/Hello.ts'
import type { Reports__Output } from '../shared/rpc/gen/grpcapi/Reports.ts'
import type { WorkerReport } from '../shared/store/dispatch.ts'
import type { CallLimit } from './call-limit.ts'
import { readHello } from './hello.ts'
import type { Said } from './journal.ts'
import { createStreamLink, type WorkStream } from './links/stream.ts'
import type { Connection, Registry } from './registry.ts'
import { readReports } from './reports.ts'
import { toStatus } from './status.ts'

/** ms that a worker may take to say hello. */
const HELLO_MS = 10_000
/** Messages of one stream that may wait to be stored; no more are read meanwhile. A worker of ours sends two. */
export const MAX_UNSTORED = 8

export interface WorkOptions {
  registry: Registry
  log: Log
  /** Streams that may be open. */
  limit: CallLimit
  /** Whether a worker holds this attempt, or its end is known and not yet written. */
  isInFlight: (workerId: number, attempt: TaskRef) => boolean
  /** Resolves when the reports are committed, which they are after `before`. */
  report: (reports: WorkerReport[], before: Promise<void> | null) => Promise<void>
  /** Resolves when what attempts said is committed. */
  store: (said: Said) => Promise<void>
  helloMs?: number
}

/** Serves dispatch streams: hello, then heartbeats and reports up, tasks and acknowledgements down. */
export function createWorkServer({
  registry,
  log,
  limit,
  isInFlight,
  report,
  store,
  helloMs = HELLO_MS,
}: WorkOptions): (stream: WorkStream) => void {
  return (stream) => {
    let connection: Connection | null = null
    let greeted = false
    let closed = false
    /** What was said and is not yet stored: what comes after it waits, so that an end has all of its lines. */
    let storing: Promise<void> | null = null
    /** All that is to be acknowledged before what comes next: an acknowledgement counts for all before it. */
    let reported: Promise<unknown> = Promise.resolve()
    let unstored = 0
    let leave = () => {}
    let late: Timer | undefined

    const onClose = (goodbye: boolean) => {
      if (closed) return
      closed = true
      clearTimeout(late)
      leave()
      if (connection) registry.disconnect(connection, goodbye)
      stream.end()
    }

    /** Ends the stream with a status that says why. */
    function refuse(error: AppError) {
      if (!closed) stream.emit('error', toStatus(error))
    }
    stream.on('error', () => onClose(false))
    const entered = limit.enter(stream.getPeer())
    if (!entered) return refuse(new AppError('too_many', 'too many streams are open'))
    leave = entered
    late = setTimeout(
      () => refuse(new AppError('invalid', `hello was not said within ${helloMs} ms`)),
      helloMs,
    )

    async function greet(hello: Hello__Output) {
      const { identity, offer } = readHello(hello, stream.getPeer())
      const result = await registry.connect(identity, createStreamLink(stream), offer)
      connection = result.connection
      if (closed) return registry.disconnect(connection, false)
      stream.write({
        welcome: { revoked: result.revoked.map(({ taskId, attempt }) => ({ task_id: taskId, attempt })) },
      })
    }

    function receive(message: Reports__Output, { workerId }: Connection) {
      const { sequence } = message
      const { reports, said } = readReports(message, workerId, performance.now(), (attempt) =>
        isInFlight(workerId, attempt),
      )
      if (said.logs.length > 0 || said.progress.length > 0) {
        const own = store(said)
        const stored = storing ? Promise.all([storing, own]).then(() => {}) : own
        storing = stored
        const forget = () => {
          if (storing === stored) storing = null
        }
        stored.then(forget, forget)
      }
      if (++unstored >= MAX_UNSTORED) stream.pause()
      reported = Promise.all([reported, report(reports, storing)])
      reported.then(
        () => {
          if (--unstored < MAX_UNSTORED) stream.resume()
          if (!closed) stream.write({ ack: { sequence } })
        },
        // Not acknowledged, nor may anything after them be: the worker offers all of it again elsewhere.
        (error) => {
          log.warn({ err: error, workerId }, 'Reports were not stored')
          onClose(false)
        },
      )
    }

    stream.on('data', (message) => {
      if (closed) return
      if (message.hello && !greeted) {
        greeted = true
        clearTimeout(late)
        greet(message.hello).catch((error) => {
          log.warn({ err: error, workerId: message.hello?.worker_id }, 'Could not register a worker')
          if (error instanceof AppError) refuse(error)
          else stream.end()
        })
        // A link that was given up is closed, and its worker offers what it says here to whichever has it now.
      } else if (connection && registry.get(connection.workerId) === connection) {
        if (message.heartbeat) {
          registry.heard(connection, message.heartbeat.draining)
          // To one that does not read, nothing more is said.
          if (!stream.writableNeedDrain) stream.write({ beat: {} })
        } else if (message.reports) {
          registry.heard(connection, connection.draining)
          try {
            receive(message.reports, connection)
          } catch (error) {
            log.warn({ err: error, workerId: connection.workerId }, 'A message of a worker was refused')
            if (error instanceof AppError) refuse(error)
            else stream.end()
          }
        }
      }
    })
    stream.on('end', () => onClose(connection?.draining ?? false))
    stream.on('cancelled', () => onClose(false))
    stream.on('close', () => onClose(false))
  }
}
