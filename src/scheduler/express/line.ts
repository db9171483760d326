import { type ClientDuplexStream, credentials, Metadata } from '@grpc/grpc-js'
import { createBatcher } from '../../shared/batcher.ts'
import { backoffMs } from '../../shared/core/backoff.ts'
import type { NewTask } from '../../shared/core/task.ts'
import { SCHEDULER_ID, taskToMessage } from '../../shared/rpc/express.ts'
import type { ExpressAnswer__Output } from '../../shared/rpc/gen/taskmaster/ExpressAnswer.ts'
import type { ExpressTasks } from '../../shared/rpc/gen/taskmaster/ExpressTasks.ts'
import { CHANNEL_OPTIONS, Control } from '../../shared/rpc/load.ts'

/** What came of a task: nothing, or it is stored; `unknown`: it may be. */
export type Outcome = 'refused' | 'stored' | 'unknown'

/** ms that an answer may take; what waits for it waits longer than an insert does. */
const ANSWER_MS = 1000
/** How long until a stream that broke, or was refused, is opened again. */
const REOPENING = { leastMs: 200, baseMs: 500, capMs: 5000 }
/** Tasks of one message, in the weight of `weigh`, and those that may wait for it. */
const MAX_TASKS = 256

const OUTCOMES = { REFUSED: 'refused', STORED: 'stored', UNKNOWN: 'unknown' } as const

/** The stream to one coordinator. One message at a time: what comes meanwhile goes together in the next. */
export interface Line {
  /** Whether tasks are taken, as far as is known. */
  readonly isOpen: boolean
  /** Tasks that have no outcome yet. */
  readonly waiting: number
  /** Never rejects. */
  hand(task: NewTask): Promise<Outcome>
  close(): void
}

/** @param schedulerId of this process in the table of services */
export function createLine(address: string, schedulerId: string): Line {
  const client = new Control(address, credentials.createInsecure(), CHANNEL_OPTIONS)
  let stream: ClientDuplexStream<ExpressTasks, ExpressAnswer__Output> | null = null
  let isOpen = false
  let isClosed = false
  let reopening: Timer | null = null
  /** Since tasks were last taken. */
  let failures = 0
  let sequence = 0
  let waiting = 0
  let answered: ((answer: ExpressAnswer__Output | null) => void) | null = null

  function open() {
    reopening = null
    const metadata = new Metadata()
    metadata.set(SCHEDULER_ID, schedulerId)
    const opened = client.Express(metadata)
    stream = opened
    opened.on('data', (answer) => {
      if (opened !== stream) return
      if (answer.sequence === 0) {
        isOpen = true
        failures = 0
      } else if (answer.sequence === sequence) answered?.(answer)
    })
    for (const event of ['error', 'end']) opened.on(event, () => broke(opened))
  }

  function broke(broken: typeof stream) {
    if (broken !== stream) return
    stream = null
    isOpen = false
    answered?.(null)
    if (isClosed) return
    reopening ??= setTimeout(open, REOPENING.leastMs + backoffMs(failures++, Math.random(), REOPENING))
  }

  /** Null: nobody knows what became of them. */
  function ask(tasks: NewTask[]): Promise<ExpressAnswer__Output | null> {
    const asked = stream
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        // With it, the coordinator drops what it has not begun.
        asked?.cancel()
        broke(asked)
      }, ANSWER_MS)
      answered = (answer) => {
        clearTimeout(late)
        answered = null
        resolve(answer)
      }
      asked?.write({ sequence: ++sequence, items: tasks.map(taskToMessage) })
    })
  }

  const handing = createBatcher<NewTask, Outcome>({
    async write(tasks) {
      if (!isOpen) return tasks.map(() => 'refused')
      const answer = await ask(tasks)
      return tasks.map((_, index) => {
        const outcome = answer?.outcomes[index]
        return outcome === undefined ? 'unknown' : OUTCOMES[outcome]
      })
    },
    maxItems: MAX_TASKS,
    weigh: ({ command, description, payload }) =>
      1 +
      (command.length + description.length + (payload === null ? 0 : JSON.stringify(payload).length)) / 4096,
    maxWaiting: MAX_TASKS,
  })

  open()
  return {
    get isOpen() {
      return isOpen
    },
    get waiting() {
      return waiting
    },
    async hand(task) {
      waiting++
      try {
        return await handing.add(task)
      } catch {
        return 'refused'
      } finally {
        waiting--
      }
    },
    close() {
      isClosed = true
      if (reopening) clearTimeout(reopening)
      stream?.cancel()
      broke(stream)
      client.close()
    },
  }
}
