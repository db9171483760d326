import type { SlotMessage, SlotOutcome, SlotSettings, SlotTask } from './messages.ts'

/** One slot's thread: runs one task at a time and is replaced when it breaks or is stopped. */
export interface SlotThread {
  /** False while one that took another's place is starting: what it is sent waits for that. */
  readonly ready: boolean
  run(task: SlotTask): void
  /** Signals the running task to stop. */
  signal(): void
  /** Ends what runs at once, whatever it does, by ending the thread; a new one takes its place. */
  replace(): void
  stop(): void
}

/**
 * @param onEnd told how the running task ended; a thread that breaks ends its task as failed
 * @param onReady told each time that a thread is ready
 */
export function createSlotThread(
  settings: SlotSettings,
  onEnd: (outcome: SlotOutcome) => void,
  onReady: () => void,
): SlotThread {
  let ready = true
  let running = false
  let thread = start()

  function start(): Worker {
    const started = new Worker(new URL('./slot.ts', import.meta.url).href, { smol: true })
    started.onmessage = ({ data }: MessageEvent<SlotMessage>) => {
      if (started !== thread) return
      if ('ready' in data) {
        ready = true
        return onReady()
      }
      if (!running) return
      running = false
      onEnd(data)
    }
    const onBreak = (reason: string) => {
      if (started !== thread) return
      started.terminate()
      ready = false
      thread = start()
      if (!running) return
      running = false
      onEnd({ ok: false, output: null, error: `The slot's thread broke: ${reason}` })
    }
    started.onerror = (event) => onBreak(event.message || 'unknown error')
    started.addEventListener('close', () => onBreak('it exited'))
    started.postMessage({ settings })
    return started
  }

  return {
    get ready() {
      return ready
    },
    run(task) {
      running = true
      thread.postMessage({ task })
    },
    signal: () => thread.postMessage({ stop: true }),
    replace() {
      running = false
      ready = false
      const old = thread
      thread = start()
      old.terminate()
    },
    stop() {
      const old = thread
      thread = null as unknown as Worker
      old.terminate()
    },
  }
}
