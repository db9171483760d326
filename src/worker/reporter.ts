import type { AttemptLog, LogLine, Progress } from '../shared/core/output.ts'
import { coalesceReports, type Report } from '../shared/core/report.ts'
import type { TaskRef } from '../shared/core/task.ts'
import { createOutbox } from './outbox.ts'

/** Reports in one message, at most. */
const MAX_REPORTS = 500
/** Characters that the reports of one message have, about; a single one may have more. */
const MAX_SIZE = 1_048_576
/** Messages that may be on their way unacknowledged before the next waits and grows. */
const MAX_IN_FLIGHT = 2

/** What a message says besides how attempts stand: what they printed, and how far they are. */
export interface Said {
  logs: AttemptLog[]
  progress: Progress[]
}

/** Where reports go: the coordinator that the worker is connected to now. */
export interface ReportSink {
  /** Passes one message on; its acknowledgement is given to `acknowledge`. */
  send(sequence: number, reports: Report[], said: Said): void
}

/** Keeps every report and every line until a coordinator has acknowledged it, across reconnections. */
export interface Reporter {
  add(report: Report): void
  /** Lines that an attempt said; passed on before its end is. */
  say(attempt: TaskRef, lines: LogLine[]): void
  progress(attempt: TaskRef, value: number): void
  /** Everything up to this sequence is committed. */
  acknowledge(sequence: number): void
  /** A new coordinator: what is not acknowledged is offered again, first of all. */
  attach(sink: ReportSink): void
  detach(): void
  /** Attempts whose end is not acknowledged: still this worker's. */
  unacknowledged(): TaskRef[]
  /** Forgets reports of attempts that are no longer this worker's. */
  revoke(tasks: TaskRef[]): void
  /** Resolves when all is acknowledged. */
  flushed(): Promise<void>
}

interface Message {
  sequence: number
  reports: Report[]
  said: Said
}

export function createReporter(): Reporter {
  const outbox = createOutbox()
  let waiting: Report[] = []
  let inFlight: Message[] = []
  let sink: ReportSink | null = null
  let sequence = 0
  let scheduled = false
  let onFlushed: (() => void)[] = []

  // One turn of the event loop gathers what belongs together: the start and the end of a short task.
  function schedule() {
    if (scheduled || !sink) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      send()
    })
  }

  function send() {
    while (sink && (waiting.length > 0 || !outbox.isEmpty) && inFlight.length < MAX_IN_FLIGHT) {
      const said = outbox.take()
      const taken = takeReports()
      // Of one attempt there is more than an end only when its start is among them, too.
      const reports = taken.some(({ kind }) => kind === 'started') ? coalesceReports(taken) : taken
      inFlight.push({ sequence: ++sequence, reports, said })
      sink.send(sequence, reports, said)
    }
  }

  /** The next reports; those of attempts that have lines left wait for them. */
  function takeReports(): Report[] {
    const taken: Report[] = []
    const left: Report[] = []
    let size = 0
    for (const report of waiting) {
      const isNext = taken.length < MAX_REPORTS && size < MAX_SIZE
      if (isNext && !(outbox.hasLines && outbox.hasLinesOf(report))) {
        taken.push(report)
        size += sizeOf(report)
      } else {
        left.push(report)
      }
    }
    waiting = left
    return taken
  }

  const isFlushed = () => inFlight.length === 0 && waiting.length === 0 && outbox.isEmpty

  function tellFlushed() {
    if (!isFlushed()) return
    for (const resolve of onFlushed) resolve()
    onFlushed = []
  }

  return {
    add(report) {
      waiting.push(report)
      schedule()
    },
    say(attempt, lines) {
      outbox.say(attempt, lines)
      schedule()
    },
    progress(attempt, value) {
      outbox.progress({ ...attempt, value })
      schedule()
    },
    acknowledge(upTo) {
      for (const { sequence, said } of inFlight) if (sequence <= upTo) outbox.forget(said)
      inFlight = inFlight.filter((message) => message.sequence > upTo)
      send()
      tellFlushed()
    },
    attach(to) {
      sink = to
      sequence = 0
      waiting = coalesceReports([...inFlight.flatMap(({ reports }) => reports), ...waiting])
      outbox.putBack(inFlight.map(({ said }) => said))
      inFlight = []
      send()
      tellFlushed() // what was left may have been revoked
    },
    detach() {
      sink = null
    },
    unacknowledged: () =>
      [...inFlight.flatMap(({ reports }) => reports), ...waiting].map(({ taskId, attempt }) => ({
        taskId,
        attempt,
      })),
    revoke(tasks) {
      const gone = new Set(tasks.map(({ taskId, attempt }) => `${taskId}#${attempt}`))
      const isOurs = ({ taskId, attempt }: TaskRef) => !gone.has(`${taskId}#${attempt}`)
      waiting = waiting.filter(isOurs)
      outbox.revoke(isOurs)
      inFlight = inFlight.map(({ sequence, reports, said }) => {
        const logs = said.logs.filter(isOurs)
        outbox.forget({ logs: said.logs.filter((log) => !isOurs(log)), progress: [] })
        return {
          sequence,
          reports: reports.filter(isOurs),
          said: { logs, progress: said.progress.filter(isOurs) },
        }
      })
    },
    flushed: () => (isFlushed() ? Promise.resolve() : new Promise((resolve) => void onFlushed.push(resolve))),
  }
}

const sizeOf = ({ error, output, result, stack }: Report) =>
  (error?.length ?? 0) + (output?.length ?? 0) + (result?.length ?? 0) + (stack?.length ?? 0)
