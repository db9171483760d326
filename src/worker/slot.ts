import { OUTPUT_LIMITS, truncate } from '../shared/core/output.ts'
import { storableText } from '../shared/core/storable.ts'
import { type ExecutorContext, Failure } from './executors/executor.ts'
import { executors } from './executors/registry.ts'
import type { SlotMessage, SlotOrder, SlotOutcome, SlotSettings, SlotTask } from './messages.ts'
import { createMouth, type Mouth } from './mouth.ts'
import { keepResult } from './result.ts'

// The thread of one slot: runs what it is sent, one task after another.
declare const self: Worker

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
    const result = await execute(task, context)
    if (result === undefined) return { ok: true, output: close(), error: null }
    const { json, fault } = keepResult(result)
    if (fault !== null) open().say('log', `The result ${fault}: it is kept as a text.`)
    return { ok: true, output: close(), error: null, result: json }
  } catch (error) {
    return { ok: false, output: close(), ...describe(error) }
  }
}

function describe(thrown: unknown): Pick<SlotOutcome, 'error' | 'stack' | 'final'> {
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
