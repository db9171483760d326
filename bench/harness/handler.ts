import { connect } from 'node:net'
import { defineTask } from 'taskmaster/task'

/** What a task of the harness is given. */
export interface HarnessJob {
  seq: number
  /** Epoch ms at which its request was made. */
  sent_at: number
  work_ms: number
  padding: string
}

const REPORT_EVERY_MS = 100

/** Not when the module is loaded: a worker loads it also to see which handlers there are. */
let report: ReturnType<typeof startReporting> | undefined

/** Works as long as it is told, and tells the adapter when it started and ended. */
export const harnessJob = defineTask({
  name: 'harness-job',
  async run(_context, { sent_at, work_ms }: HarnessJob) {
    const startedMs = epochMs() - sent_at
    if (work_ms > 0) await Bun.sleep(work_ms)
    report ??= startReporting()
    report(startedMs, epochMs() - sent_at)
  },
})

/** Gathers what this thread has to tell: see reports.ts. */
function startReporting(): (startedMs: number, endedMs: number) => void {
  let times: number[] = []
  const socket = connect(process.env.HARNESS_REPORTS ?? '')
  // The adapter is gone, and so is this worker before long.
  socket.on('error', () => {})
  setInterval(() => {
    if (times.length > 0) socket.write(`${JSON.stringify(times)}\n`)
    times = []
  }, REPORT_EVERY_MS)
  return (startedMs, endedMs) => void times.push(startedMs, endedMs)
}

/** By the clock of the producer, another process: ms and their fractions. */
const epochMs = () => performance.timeOrigin + performance.now()
