import type { LogLine } from '../shared/core/output.ts'
import type { Assignment } from '../shared/core/task.ts'
import type { SlotMessage, SlotOutcome, SlotSettings, SlotStray } from './messages.ts'

/** One slot's thread: runs one task at a time and is replaced when it breaks or is stopped. */
export interface SlotThread {
  /** False while one that took another's place is starting: what it is sent waits for that. */
  readonly ready: boolean
  /** Whether a handler ran in it, which may have left something behind. */
  readonly isUsed: boolean
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
  /** The thread is gone for something that the running task may not have done: it is to run again. */
  onReturn(reason: string): void
  /** A task that is over left something behind that failed, and hurt nobody. */
  onStray(reason: string, taskId: string | undefined): void
  /** Each time that a thread is ready. */
  onReady(): void
  onLines(lines: LogLine[]): void
  onProgress(value: number): void
}

export function createSlotThread(settings: SlotSettings, listener: SlotListener): SlotThread {
  let ready = true
  let running = false
  /** The running task is a handler. */
  let isHandler = false
  let isUsed = false
  /** Something that an earlier task left behind failed. */
  let hasStrays = false
  /** The process group of the running task. */
  let group: number | null = null
  /** ms by which our clock is ahead of the thread's. */
  let ahead = Number.POSITIVE_INFINITY
  let thread = start()

  function start(): Worker {
    ahead = Number.POSITIVE_INFINITY
    isUsed = false
    hasStrays = false
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
      if ('stray' in data) return onStray(data)
      if (!running) return
      if ('group' in data) group = data.group
      else if ('progress' in data) listener.onProgress(data.progress)
      else if ('lines' in data) {
        listener.onLines(data.lines.map((line) => ({ ...line, at: line.at + ahead })))
      } else {
        running = false
        group = null
        isUsed ||= isHandler
        if (hasStrays) renew()
        listener.onEnd(data)
      }
    }
    const onStray = ({ stray, of, taskId }: SlotStray) => {
      if (of === 'earlier') {
        if (started !== thread) return
        // Once is enough to know: what goes on and on ends with the thread, as soon as nothing else runs in it.
        if (!hasStrays) listener.onStray(stray.error ?? '', taskId)
        hasStrays = true
        if (!running) renew()
      } else onBreak(stray.error ?? '', of === 'current' ? stray : null)
    }
    /** @param own how the running task ended by it; null: it cannot be told that it did */
    const onBreak = (reason: string, own: SlotOutcome | null) => {
      if (started !== thread) return
      const wasRunning = running
      renew()
      if (!wasRunning) return
      if (own) listener.onEnd(own)
      else listener.onReturn(reason)
    }
    // Without a word before: where no other task can have left anything behind, it was the running one.
    const onSilence = (reason: string) => {
      const error = `The slot's thread broke: ${reason}`
      onBreak(error, isUsed ? null : { ok: false, output: null, error })
    }
    started.onerror = (event) => onSilence(event.message || 'unknown error')
    started.addEventListener('close', () => onSilence('it exited'))
    started.postMessage({ settings })
    return started
  }

  /** Ends the thread, and all that runs in it; a new one takes its place. */
  function renew() {
    running = false
    killGroup(group)
    group = null
    ready = false
    const old = thread
    thread = start()
    old.terminate()
  }

  return {
    get ready() {
      return ready
    },
    get isUsed() {
      return isUsed
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
      isHandler = executor === 'function'
      thread.postMessage({ task })
    },
    signal: () => thread.postMessage({ stop: true }),
    kill() {
      killGroup(group)
      return group !== null
    },
    replace: renew,
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
