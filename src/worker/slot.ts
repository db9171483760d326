import { OUTPUT_LIMITS, truncate } from '../shared/core/output.ts'
import { storableText } from '../shared/core/storable.ts'
import { type BatchState, createBatchState } from './batch-state.ts'
import { Failure } from './executors/executor.ts'
import { executors } from './executors/registry.ts'
import {
  numberOf,
  type SlotMessage,
  type SlotOrder,
  type SlotOutcome,
  type SlotSettings,
  type SlotTask,
} from './messages.ts'
import { createMouth, type Mouth } from './mouth.ts'
import { type Run, runs } from './runs.ts'

// The thread of one slot: runs what it is sent, one task after another.
declare const self: Worker

let settings: SlotSettings
let current: Run | null = null
/** A task may be sent before what it needs is loaded. */
let prepared: Promise<void> | null = null
/** Most tasks have no result: what keeps one is loaded by the first that has. */
let keepResult: typeof import('./result.ts').keepResult | null = null
/** How far the tasks are that were sent last. */
let state: BatchState
/** The number of the task that was to stop last: it may not have begun. */
let stopped: number | null = null
/** Something failed that may be the running task's. */
let isBroken = false
/** Whether code of a task that is over may still be at work here: handlers can leave timers and promises behind. */
let hasLeftovers = false

const post = (message: SlotMessage) => self.postMessage(message)

function createRun(task: SlotTask, number: number): Run {
  // Most tasks say nothing, and few look at their signal: they pay nothing for it.
  let mouth: Mouth | null = null
  let stop: AbortController | null = null
  let isOver = false
  const open = () => {
    mouth ??= createMouth((message) => post({ ...message, number }))
    return mouth
  }
  const controller = () => {
    stop ??= new AbortController()
    return stop
  }
  return {
    task,
    number,
    get hasSpoken() {
      return mouth !== null
    },
    abort: () => controller().abort(),
    context: {
      settings,
      get signal() {
        return controller().signal
      },
      say: (stream, text) => void (isOver || open().say(stream, text)),
      progress: (value) => void (isOver || open().progress(value)),
      setGroup: (group) => void (isOver || post({ group })),
    },
    close() {
      isOver = true
      mouth?.end()
      return mouth?.output() ?? null
    },
  }
}

async function execute({ task, context, close }: Run): Promise<SlotOutcome> {
  try {
    const isOurs = Object.hasOwn(executors, task.executor) && settings.executors.includes(task.executor)
    const executor = isOurs && executors[task.executor]
    if (!executor) throw new Failure(`This worker has no executor named ${task.executor}`)
    const result = await executor(task, context)
    if (result === undefined) return { ok: true, output: close(), error: null }
    keepResult ??= (await import('./result.ts')).keepResult
    const { json, fault } = keepResult(result)
    if (fault !== null) context.say('log', `The result ${fault}: it is kept as a text.`)
    return { ok: true, output: close(), error: null, result: json }
  } catch (error) {
    return { ok: false, output: close(), ...describe(error) }
  }
}

function describe(thrown: unknown): {
  error: string
  stack?: string | null
  final?: boolean
} {
  const kept = (text: string, limit: number) => truncate(storableText(text), limit)
  if (!(thrown instanceof Error)) return { error: kept(textOf(thrown), OUTPUT_LIMITS.error) }
  const error = kept(String(thrown.message || thrown.name), OUTPUT_LIMITS.error)
  const trace = thrown instanceof Failure ? thrown.trace : thrown.stack
  const stack = trace ? kept(Bun.stripANSI(String(trace)), OUTPUT_LIMITS.stack) : null
  return { error, stack, final: thrown instanceof Failure && thrown.isFinal }
}

/** What was thrown may be anything, and may not even have a text. */
function textOf(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    return 'something that has no text was thrown'
  }
}

/** Tells of what was thrown where nobody catches it, and whose it is. */
function onStray(thrown: unknown) {
  const run = runs.getStore()
  const { error, stack } = describe(thrown)
  tellStray(run, `uncaught: ${error}`, stack)
}

function tellStray(run: Run | undefined, error: string, stack: string | null = null) {
  // Microtasks and rejections do not say whose they are. Where nothing can be left of others, they are the task's own.
  const of = run
    ? run === current
      ? 'current'
      : 'earlier'
    : hasLeftovers || !current
      ? 'unknown'
      : 'current'
  const output = of === 'current' ? (current?.close() ?? null) : null
  // This thread is about to be ended: what has not begun goes to another.
  if (of !== 'earlier') isBroken = true
  post({
    stray: { ok: false, output, error, stack },
    of,
    ...(run && { taskId: run.task.taskId }),
    ...(current && { number: current.number }),
  })
}

process.on('uncaughtException', onStray)
process.on('unhandledRejection', onStray)
process.on('exit', (code) => tellStray(runs.getStore(), `process.exit(${code}) was called`))

async function prepare() {
  await (await import('./executors/function.ts')).prepareFunctions(settings, () => current)
}

/** Runs the tasks of one message, one after another. */
async function runBatch(batch: number, tasks: SlotTask[]) {
  for (const [index, task] of tasks.entries()) {
    if (isBroken) return
    if (!state.start(batch, index, performance.now())) continue
    const run = createRun(task, numberOf(batch, index))
    current = run
    if (stopped === run.number) run.abort()
    if (prepared) await prepared
    const outcome = await runs.run(run, execute, run)
    current = null
    tellEnd(batch, index, run, outcome)
    if (task.executor !== 'function') continue
    hasLeftovers = true
    // What it left behind has its turn before the next task, and fails before it if it fails.
    if (index < tasks.length - 1) await new Promise(setImmediate)
  }
  post({ over: batch, now: performance.now() })
}

/** Leaves the end where the pool finds it, even when the next task never yields; only what was said goes before it. */
function tellEnd(batch: number, index: number, { hasSpoken, number }: Run, outcome: SlotOutcome) {
  const { ok, output, error, result = null } = outcome
  const isPlain = ok && output === null && error === null && result === null
  const now = performance.now()
  const isKept =
    !hasSpoken && !isBroken && state.end(batch, index, now, isPlain ? '' : JSON.stringify(outcome))
  if (isKept) return
  state.tell(batch, index, now)
  post({ outcome, number })
}

self.onmessage = async ({ data }: MessageEvent<SlotOrder>) => {
  if ('settings' in data) {
    settings = data.settings
    state = createBatchState(data.memory)
    if (settings.executors.includes('function')) {
      prepared = prepare()
      await prepared
      prepared = null
    }
    post({ ready: true, now: performance.now() })
  } else if ('stop' in data) {
    stopped = data.stop
    if (current?.number === data.stop) current.abort()
  } else {
    await runBatch(data.batch, JSON.parse(data.tasks) as SlotTask[])
  }
}
