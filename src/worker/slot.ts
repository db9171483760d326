import { executors } from './executors/registry.ts'
import type { SlotMessage, SlotOutcome, SlotSettings, SlotTask } from './messages.ts'

// The thread of one slot: runs what it is sent, one task after another.
declare const self: Worker

let settings: SlotSettings

async function run(task: SlotTask): Promise<SlotOutcome> {
  try {
    const execute = Object.hasOwn(executors, task.executor) && executors[task.executor]
    if (!execute) throw new Error(`This worker has no executor named ${task.executor}`)
    return { ok: true, output: await execute(task, settings), error: null }
  } catch (error) {
    return { ok: false, output: null, error: error instanceof Error ? error.message : String(error) }
  }
}

self.onmessage = async ({ data }: MessageEvent<{ settings: SlotSettings } | { task: SlotTask }>) => {
  if ('settings' in data) {
    settings = data.settings
    self.postMessage({ ready: true } satisfies SlotMessage)
  } else {
    self.postMessage((await run(data.task)) satisfies SlotMessage)
  }
}
