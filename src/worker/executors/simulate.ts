import type { Json } from '../../shared/core/task.ts'
import { type Executor, type ExecutorContext, Failure } from './executor.ts'

/** Lines that one attempt prints, at most. */
const MAX_LINES = 1000

/**
 * Stands for work: takes `payload.duration_ms`, or TASK_PROCESS_TIME, prints `payload.lines` lines, and fails with
 * probability `payload.failure_rate`. To show what the system does with work that misbehaves, `payload.busy` never yields
 * nor heeds a signal while it lasts, and `payload.crash` kills the worker process when it ends.
 */
export const simulate: Executor = async (task, context) => {
  const { settings, say } = context
  const durationMs = numberIn(task.payload, 'duration_ms') ?? settings.processTimeMs
  const failureRate = numberIn(task.payload, 'failure_rate') ?? 0
  const lines = Math.min(MAX_LINES, Math.floor(numberIn(task.payload, 'lines') ?? 0))
  const { historyFile } = settings
  const note = historyFile ? (await import('./history.ts')).historyIn(historyFile, task, lines) : () => {}
  const print = (from: number, to: number) => {
    for (let line = from; line <= to; line++) say('stdout', `line ${line} of ${lines}\n`)
  }
  note('start')
  print(1, lines >> 1)
  if (isSet(task.payload, 'busy')) spin(durationMs)
  else
    await pause(durationMs, context).catch((error) => {
      note('stopped')
      throw error
    })
  if (isSet(task.payload, 'crash')) process.kill(process.pid, 'SIGKILL')
  print((lines >> 1) + 1, lines)
  if (failureRate > 0 && Math.random() < failureRate) {
    note('failed')
    throw new Failure('simulated failure')
  }
  note('completed')
  return undefined
}

function spin(durationMs: number) {
  const until = performance.now() + durationMs
  while (performance.now() < until);
}

async function pause(durationMs: number, context: ExecutorContext): Promise<void> {
  if (durationMs <= 0) return
  const { signal } = context
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, durationMs)
    const onAbort = () => {
      clearTimeout(timer)
      reject(new Failure('stopped'))
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
}

function numberIn(payload: Json | null, key: string): number | null {
  const value = field(payload, key)
  return typeof value === 'number' && value >= 0 ? value : null
}

const isSet = (payload: Json | null, key: string) => field(payload, key) === true

const field = (payload: Json | null, key: string): Json | undefined =>
  payload !== null && typeof payload === 'object' && !Array.isArray(payload) ? payload[key] : undefined
