import type { LogLine } from '../shared/core/output.ts'
import type { Assignment } from '../shared/core/task.ts'
import type { SlotMessage, SlotOutcome, SlotSettings } from './messages.ts'

/** One slot's thread: runs one task at a time and is replaced when it breaks or is stopped. */
export interface SlotThread {
  /** False while one that took another's place is starting: what it is sent waits for that. */
  readonly ready: boolean
  run(task: Assignment): void
  /** Signals the running task to stop. */
  signal(): void
  /** Kills the processes of the running task; false when it has none. Then it ends by itself. */
  kill(): boolean
  /** Ends what runs at once, whatever it does, by ending the thread; a new one takes its place. */
  replace(): void
  stop(): void
}

export interface SlotListener {
  /** How the running task ended; a thread that breaks ends its task as failed. */
  onEnd(outcome: SlotOutcome): void
  /** Each time that a thread is ready. */
  onReady(): void
  onLines(lines: LogLine[]): void
  onProgress(value: number): void
}

export function createSlotThread(settings: SlotSettings, listener: SlotListener): SlotThread {
  let ready = true
  let running = false
  /** The process group of the running task. */
  let group: number | null = null
  /** ms by which our clock is ahead of the thread's. */
  let ahead = Number.POSITIVE_INFINITY
  let thread = start()

  function start(): Worker {
    ahead = Number.POSITIVE_INFINITY
    const started = new Worker(new URL('./slot.ts', import.meta.url).href, { smol: true })
    started.onmessage = ({ data }: MessageEvent<SlotMessage>) => {
      if (started !== thread) {
        // Its task was given up before it could say that it has processes.
        if ('group' in data) killGroup(data.group)
        return
      }
      // What a message takes to arrive is no matter of the clocks: the quickest tells how they differ.
      if ('now' in data) ahead = Math.min(ahead, performance.now() - data.now)
      if ('ready' in data) {
        ready = true
        return listener.onReady()
      }
      if (!running) return
      if ('group' in data) group = data.group
      else if ('progress' in data) listener.onProgress(data.progress)
      else if ('lines' in data) {
        listener.onLines(data.lines.map((line) => ({ ...line, at: line.at + ahead })))
      } else {
        running = false
        group = null
        listener.onEnd(data)
      }
    }
    const onBreak = (reason: string) => {
      if (started !== thread) return
      started.terminate()
      killGroup(group)
      group = null
      ready = false
      thread = start()
      if (!running) return
      running = false
      listener.onEnd({ ok: false, output: null, error: `The slot's thread broke: ${reason}` })
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
    run({ taskId, attempt, command, executor, payload, parents }) {
      // Nothing that the thread does not need: all of it is copied.
      const task = {
        taskId,
        attempt,
        command,
        executor,
        payload,
        ...(parents && { parents: JSON.stringify(parents) }),
      }
      running = true
      thread.postMessage({ task })
    },
    signal: () => thread.postMessage({ stop: true }),
    kill() {
      killGroup(group)
      return group !== null
    },
    replace() {
      running = false
      killGroup(group)
      group = null
      ready = false
      const old = thread
      thread = start()
      old.terminate()
    },
    stop() {
      killGroup(group)
      group = null
      const old = thread
      thread = null as unknown as Worker
      old.terminate()
    },
  }
}

function killGroup(group: number | null) {
  try {
    if (group !== null) process.kill(-group, 'SIGKILL')
  } catch {
    // It is over.
  }
}
