import type { ServerDuplexStream } from '@grpc/grpc-js'
import { AppError } from '../shared/core/error.ts'
import { isUuid } from '../shared/core/uuid.ts'
import { SCHEDULER_ID, taskFromMessage } from '../shared/rpc/express.ts'
import type { ExpressAnswer } from '../shared/rpc/gen/taskmaster/ExpressAnswer.ts'
import type { ExpressTasks__Output } from '../shared/rpc/gen/taskmaster/ExpressTasks.ts'
import { createCallLimit } from './call-limit.ts'
import type { Express, ExpressOutcome } from './express.ts'
import { toStatus } from './status.ts'

export type ExpressStream = ServerDuplexStream<ExpressTasks__Output, ExpressAnswer>

/** Streams that may be open: a scheduler of ours has one. */
const MAX_STREAMS = { total: 500, perAddress: 100 }
/** Messages of one stream that may wait for their answer; no more are read meanwhile. A scheduler of ours sends one. */
const MAX_UNANSWERED = 4

const OUTCOMES = { refused: 'REFUSED', stored: 'STORED', unknown: 'UNKNOWN' } as const satisfies Record<
  ExpressOutcome,
  string
>

export interface ExpressServer {
  serve(stream: ExpressStream): void
  /** Ends every stream once what it was given is answered, and serves no more. */
  leave(): void
}

export interface ExpressServerOptions {
  store: Express['store']
  /** Whether a scheduler of this id runs. What a worker may not submit by REST, it may not submit here. */
  isScheduler: (id: string) => Promise<boolean>
}

/** Serves the streams of schedulers: tasks in, for each message an answer with what came of them. */
export function createExpressServer({ store, isScheduler }: ExpressServerOptions): ExpressServer {
  const limit = createCallLimit(MAX_STREAMS)
  const endings = new Set<() => void>()
  let isLeaving = false

  function serve(stream: ExpressStream) {
    let unanswered = 0
    let isClosed = false
    const refuse = (error: AppError) => void stream.emit('error', toStatus(error))
    if (isLeaving) return refuse(new AppError('unavailable', 'this coordinator is stopping'))
    const leave = limit.enter(stream.getPeer())
    if (!leave) return refuse(new AppError('too_many', 'too many streams are open'))
    const endIfDone = () => {
      if (isLeaving && unanswered === 0 && !isClosed) stream.end()
    }
    const onClose = () => {
      isClosed = true
      endings.delete(endIfDone)
      leave()
    }
    endings.add(endIfDone)

    async function answer({ sequence, items }: ExpressTasks__Output) {
      const tasks = items.map(taskFromMessage)
      const outcomes = await Promise.all(tasks.map((task) => store(task, () => !isClosed)))
      if (!isClosed) stream.write({ sequence, outcomes: outcomes.map((outcome) => OUTCOMES[outcome]) })
    }

    stream.on('data', (message) => {
      if (++unanswered >= MAX_UNANSWERED) stream.pause()
      answer(message)
        .catch((error) => refuse(error instanceof AppError ? error : new AppError('internal', 'refused')))
        .finally(() => {
          if (--unanswered < MAX_UNANSWERED) stream.resume()
          endIfDone()
        })
    })
    stream.on('end', () => {
      if (!isClosed) stream.end()
      onClose()
    })
    for (const event of ['error', 'cancelled', 'close']) stream.on(event, onClose)
    // Nothing is read before it is known who speaks.
    stream.pause()
    const [id = ''] = stream.metadata.get(SCHEDULER_ID).map(String)
    const isKnown = isUuid(id) ? isScheduler(id) : Promise.resolve(false)
    isKnown
      .catch(() => false)
      .then((known) => {
        if (isClosed) return
        if (!known) return refuse(new AppError('unauthorized', 'no scheduler has this id'))
        stream.write({ sequence: 0 })
        stream.resume()
      })
  }

  return {
    serve,
    leave() {
      isLeaving = true
      for (const endIfDone of endings) endIfDone()
    },
  }
}
