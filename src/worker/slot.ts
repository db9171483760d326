import { executors } from './executors/registry.ts'
import type { SlotMessage, SlotOrder, SlotOutcome, SlotSettings, SlotTask } from './messages.ts'

// The thread of one slot: runs what it is sent, one task after another.
declare const self: Worker

let settings: SlotSettings
let running: AbortController | null = null

async function run(task: SlotTask, signal: AbortSignal): Promise<SlotOutcome> {
  try {
    const execute = Object.hasOwn(executors, task.executor) && executors[task.executor]
    if (!execute) throw new Error(`This worker has no executor named ${task.executor}`)
    return { ok: true, output: await execute(task, { settings, signal }), error: null }
  } catch (error) {
    return { ok: false, output: null, error: error instanceof Error ? error.message : String(error) }
  }
}

self.onmessage = async ({ data }: MessageEvent<SlotOrder>) => {
  if ('settings' in data) {
    settings = data.settings
    self.postMessage({ ready: true } satisfies SlotMessage)
  } else if ('stop' in data) {
    running?.abort()
  } else {
    running = new AbortController()
    self.postMessage((await run(data.task, running.signal)) satisfies SlotMessage)
  }
}
