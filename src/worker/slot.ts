import { OUTPUT_LIMITS, truncate } from '../shared/core/output.ts'
import { storableText } from '../shared/core/storable.ts'
import { Failure } from './executors/executor.ts'
import { executors } from './executors/registry.ts'
import type { SlotMessage, SlotOrder, SlotOutcome, SlotSettings, SlotTask } from './messages.ts'
import { createMouth, type Mouth } from './mouth.ts'
import { keepResult } from './result.ts'
import { type Run, runs } from './runs.ts'

// The thread of one slot: runs what it is sent, one task after another.
declare const self: Worker

let settings: SlotSettings
let current: Run | null = null
/** A task may be sent before what it needs is loaded. */
let prepared: Promise<void> | null = null
/** Whether code of a task that is over may still be at work here: handlers can leave timers and promises behind. */
let hasLeftovers = false

const post = (message: SlotMessage) => self.postMessage(message)

function createRun(task: SlotTask): Run {
  // Most tasks say nothing, and pay nothing for it.
  let mouth: Mouth | null = null
  let isOver = false
  const open = () => {
    mouth ??= createMouth(post)
    return mouth
  }
  const abort = new AbortController()
  return {
    task,
    abort,
    context: {
      settings,
      signal: abort.signal,
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
  post({ stray: { ok: false, output, error, stack }, of, ...(run && { taskId: run.task.taskId }) })
}

process.on('uncaughtException', onStray)
process.on('unhandledRejection', onStray)
process.on('exit', (code) => tellStray(runs.getStore(), `process.exit(${code}) was called`))

async function prepare() {
  await (await import('./executors/function.ts')).prepareFunctions(settings, () => current)
}

self.onmessage = async ({ data }: MessageEvent<SlotOrder>) => {
  if ('settings' in data) {
    settings = data.settings
    if (settings.executors.includes('function')) {
      prepared = prepare()
      await prepared
    }
    post({ ready: true, now: performance.now() })
  } else if ('stop' in data) {
    current?.abort.abort()
  } else {
    const run = createRun(data.task)
    current = run
    if (prepared) await prepared
    const outcome = await runs.run(run, execute, run)
    current = null
    hasLeftovers ||= data.task.executor === 'function'
    post(outcome)
  }
}
