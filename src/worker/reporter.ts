import { coalesceReports, type Report } from '../shared/core/report.ts'
import type { TaskRef } from '../shared/core/task.ts'

/** Reports in one message, at most. */
const MAX_REPORTS = 500
/** Messages that may be on their way unacknowledged before the next waits and grows. */
const MAX_IN_FLIGHT = 2

/** Where reports go: the coordinator that the worker is connected to now. */
export interface ReportSink {
  /** Passes one message on; its acknowledgement is given to `acknowledge`. */
  send(sequence: number, reports: Report[]): void
}

/** Keeps every report until a coordinator has acknowledged it, across reconnections. */
export interface Reporter {
  add(report: Report): void
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

export function createReporter(): Reporter {
  let waiting: Report[] = []
  let inFlight: { sequence: number; reports: Report[] }[] = []
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
    while (sink && waiting.length > 0 && inFlight.length < MAX_IN_FLIGHT) {
      const reports = coalesceReports(waiting.splice(0, MAX_REPORTS))
      inFlight.push({ sequence: ++sequence, reports })
      sink.send(sequence, reports)
    }
  }

  function tellFlushed() {
    if (inFlight.length > 0 || waiting.length > 0) return
    for (const resolve of onFlushed) resolve()
    onFlushed = []
  }

  return {
    add(report) {
      waiting.push(report)
      schedule()
    },
    acknowledge(upTo) {
      inFlight = inFlight.filter((message) => message.sequence > upTo)
      send()
      tellFlushed()
    },
    attach(to) {
      sink = to
      sequence = 0
      waiting = coalesceReports([...inFlight.flatMap(({ reports }) => reports), ...waiting])
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
      const isOurs = ({ taskId, attempt }: Report) => !gone.has(`${taskId}#${attempt}`)
      waiting = waiting.filter(isOurs)
      inFlight = inFlight.map(({ sequence, reports }) => ({ sequence, reports: reports.filter(isOurs) }))
    },
    flushed: () =>
      waiting.length === 0 && inFlight.length === 0
        ? Promise.resolve()
        : new Promise((resolve) => void onFlushed.push(resolve)),
  }
}
