import { OUTPUT_LIMITS, truncate } from '../shared/core/output.ts'
import { findJsonFault } from '../shared/core/storable.ts'
import type { Json } from '../shared/core/task.ts'
import { type ExecutorContext, Failure } from './executors/executor.ts'
import { executors } from './executors/registry.ts'
import type { SlotMessage, SlotOrder, SlotOutcome, SlotSettings, SlotTask } from './messages.ts'
import { createMouth, type Mouth } from './mouth.ts'

// The thread of one slot: runs what it is sent, one task after another.
declare const self: Worker

/** A result may be nested this deep. */
const MAX_DEPTH = 100

let settings: SlotSettings
let running: AbortController | null = null

const post = (message: SlotMessage) => self.postMessage(message)

async function run(task: SlotTask, signal: AbortSignal): Promise<SlotOutcome> {
  // Most tasks say nothing, and pay nothing for it.
  let mouth: Mouth | null = null
  const open = () => {
    mouth ??= createMouth(post)
    return mouth
  }
  const close = () => {
    mouth?.end()
    return mouth?.output() ?? null
  }
  const context: ExecutorContext = {
    settings,
    signal,
    say: (stream, text) => open().say(stream, text),
    progress: (value) => open().progress(value),
    setGroup: (group) => post({ group }),
  }
  try {
    const isOurs = Object.hasOwn(executors, task.executor) && settings.executors.includes(task.executor)
    const execute = isOurs && executors[task.executor]
    if (!execute) throw new Failure(`This worker has no executor named ${task.executor}`)
    const result = resultText(await execute(task, context))
    const output = close()
    return result === null ? { ok: true, output, error: null } : { ok: true, output, error: null, result }
  } catch (error) {
    return { ok: false, output: close(), ...describe(error) }
  }
}

function resultText(result: Json | undefined): string | null {
  if (result === undefined) return null
  const fault = findJsonFault(result, MAX_DEPTH)
  if (fault) throw new Failure(`its result ${fault}`)
  const text = JSON.stringify(result)
  // Cut JSON would be none: its beginning is kept, as a text, which has its quotes escaped.
  return text.length <= OUTPUT_LIMITS.result
    ? text
    : JSON.stringify(truncate(text, (OUTPUT_LIMITS.result >> 1) - 1))
}

function describe(thrown: unknown): Pick<SlotOutcome, 'error' | 'stack' | 'final'> {
  if (!(thrown instanceof Error)) return { error: truncate(String(thrown), OUTPUT_LIMITS.error) }
  const error = truncate(thrown.message || thrown.name, OUTPUT_LIMITS.error)
  const trace = thrown instanceof Failure ? thrown.trace : thrown.stack
  const stack = trace ? truncate(Bun.stripANSI(trace), OUTPUT_LIMITS.stack) : null
  return { error, stack, final: thrown instanceof Failure && thrown.isFinal }
}

self.onmessage = async ({ data }: MessageEvent<SlotOrder>) => {
  if ('settings' in data) {
    settings = data.settings
    if (settings.executors.includes('function')) {
      await (await import('./executors/function.ts')).prepareFunctions(settings)
    }
    post({ ready: true, now: performance.now() })
  } else if ('stop' in data) {
    running?.abort()
  } else {
    running = new AbortController()
    post(await run(data.task, running.signal))
  }
}
