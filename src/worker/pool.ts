import type { LogLine } from '../shared/core/output.ts'
import type { Report } from '../shared/core/report.ts'
import type { Assignment, TaskRef } from '../shared/core/task.ts'
import type { SlotOutcome, SlotSettings } from './messages.ts'
import { createSlotThread, type SlotThread } from './thread.ts'

/** ms that a task whose processes were killed has to say how it ended. */
const LAST_WORDS_MS = 2000

/** How many ended attempts are remembered, and how many tasks that were given back. */
const REMEMBERED = 2000

export interface PoolOptions {
  slots: number
  settings: SlotSettings
  /** Told when an attempt starts, ends or is handed back. */
  onReport: (report: Report) => void
  /** Told what the attempts say while they run. */
  onLines?: (attempt: TaskRef, lines: LogLine[]) => void
  onProgress?: (attempt: TaskRef, value: number) => void
  /** Told of what tasks that are over left behind, and which failed. */
  onStray?: (reason: string, taskId: string | undefined) => void
}

/** The slots of a worker and the tasks queued for them. */
export interface Pool {
  /** Takes an attempt, unless it has it already. */
  take(task: Assignment): void
  /** Hands back those of these that have not started. */
  recall(tasks: TaskRef[]): void
  /** Hands back everything that has not started, now and from now on. */
  drain(): void
  /** Stops these and reports them as cancelled: at once, or by the signal, and after their grace by force. */
  cancel(tasks: TaskRef[]): void
  /** Drops these without a report: queued or running, they are somebody else's now. */
  revoke(tasks: TaskRef[]): void
  /** What is queued or runs. */
  held(): (TaskRef & { started: boolean })[]
  /** How many are queued or run. */
  size(): number
  /** Resolves when nothing is queued and nothing runs. */
  idle(): Promise<void>
  stop(): void
}

interface Slot {
  index: number
  thread: SlotThread
  task: (Assignment & { startedAt: number }) | null
  /** Why the task has been signalled to stop. */
  stopping: StopReason | null
  /** Signals a task whose time is up, then ends one that does not stop. */
  timer: Timer | null
}

type StopReason = 'cancelled' | 'timed out'

const isSame = (a: TaskRef, b: TaskRef) => a.taskId === b.taskId && a.attempt === b.attempt

export function createPool(options: PoolOptions): Pool {
  const { slots: count, settings, onReport } = options
  const queue: Assignment[] = []
  const known = new Set<string>()
  /** The latest that ended, so that one delivered twice is not run twice. */
  const ended = new Set<string>()
  /** Tasks that broke a thread, or that something left behind there broke: in a new thread it is told which. */
  const suspects = new Set<string>()
  const slots: Slot[] = Array.from({ length: count }, (_, index) => ({
    index,
    thread: createSlotThread(settings, {
      onEnd: (outcome) => end(index, outcome),
      onReturn: (reason) => giveBack(index, reason),
      onStray: (reason, taskId) => options.onStray?.(reason, taskId),
      onReady() {
        offer(index)
        fill()
      },
      onLines: (lines) => tell(index, (task) => options.onLines?.(task, lines)),
      onProgress: (value) => tell(index, (task) => options.onProgress?.(task, value)),
    }),
    task: null,
    stopping: null,
    timer: null,
  }))
  /** Idle, and no new thread is starting there: the time that takes is not the next task's. */
  const free = slots.map(({ index }) => index).reverse()
  let onIdle: (() => void)[] = []
  let draining = false

  const key = ({ taskId, attempt }: TaskRef) => `${taskId}#${attempt}`

  function tell(index: number, say: (task: TaskRef) => void) {
    const { task } = slots[index] as Slot
    if (task) say({ taskId: task.taskId, attempt: task.attempt })
  }

  function fill() {
    while (queue.length > 0 && free.length > 0) {
      const slot = slots[free.pop() as number] as Slot
      if (suspects.has((queue[0] as Assignment).taskId) && slot.thread.isUsed) {
        // It waits until the new thread is ready, and so do those behind it: for a few milliseconds.
        slot.thread.replace()
        break
      }
      const task = queue.shift() as Assignment
      slot.task = { ...task, startedAt: performance.now() }
      slot.thread.run(task)
      if (task.timeoutMs !== null) slot.timer = setTimeout(stop, task.timeoutMs, slot, 'timed out')
      report(task, 'started', slot.index, slot.task.startedAt, null)
    }
    if (queue.length === 0 && slots.every(({ task }) => !task)) {
      for (const resolve of onIdle) resolve()
      onIdle = []
    }
  }

  function end(index: number, { ok, error, ...rest }: SlotOutcome) {
    const slot = slots[index] as Slot
    const task = slot.task
    if (!task) return
    const stopping = slot.stopping
    release(slot)
    known.delete(key(task))
    remember(ended, key(task))
    suspects.delete(task.taskId)
    // What finished all the same, finished: the signal came too late.
    const kind = ok ? 'completed' : stopping === 'cancelled' ? 'cancelled' : 'failed'
    const reason = !ok && stopping === 'timed out' ? `timed out after ${task.timeoutMs} ms` : error
    report(task, kind, index, task.startedAt, performance.now(), reason, rest)
    fill()
  }

  /** What was running runs again, uncharged: it cannot be told that it did what ended its thread. */
  function giveBack(index: number, reason: string) {
    const slot = slots[index] as Slot
    const { task, stopping } = slot
    if (!task) return
    if (stopping) return end(index, { ok: false, output: null, error: reason })
    release(slot)
    known.delete(key(task))
    remember(suspects, task.taskId)
    options.onStray?.(reason, undefined)
    report(task, 'returned', index, task.startedAt, null)
    fill()
  }

  function stop(slot: Slot, reason: StopReason) {
    const task = slot.task
    if (!task || slot.stopping === 'cancelled') return
    slot.stopping = reason
    slot.thread.signal()
    if (slot.timer) clearTimeout(slot.timer)
    slot.timer = setTimeout(() => {
      // With its processes gone it ends by itself, and what it said is kept.
      if (slot.thread.kill()) slot.timer = setTimeout(force, LAST_WORDS_MS, slot)
      else force(slot)
    }, task.cancelGraceMs)
  }

  function force(slot: Slot) {
    slot.thread.replace()
    end(slot.index, { ok: false, output: null, error: 'did not stop in time; its thread was ended' })
  }

  function remember(names: Set<string>, name: string) {
    names.add(name)
    if (names.size > REMEMBERED) names.delete(names.values().next().value as string)
  }

  function release(slot: Slot) {
    slot.task = null
    slot.stopping = null
    if (slot.timer) clearTimeout(slot.timer)
    slot.timer = null
    offer(slot.index)
  }

  function offer(index: number) {
    const slot = slots[index] as Slot
    if (!slot.task && slot.thread.ready && !free.includes(index)) free.push(index)
  }

  function report(
    { taskId, attempt }: TaskRef,
    kind: Report['kind'],
    slot: number,
    startedAt: number | null,
    endedAt: number | null,
    error: string | null = null,
    rest: Partial<Report> = {},
  ) {
    onReport({ taskId, attempt, kind, slot, startedAt, endedAt, error, output: null, ...rest })
  }

  function handBack(isWanted: (task: Assignment) => boolean) {
    for (let index = queue.length - 1; index >= 0; index--) {
      const task = queue[index] as Assignment
      if (!isWanted(task)) continue
      queue.splice(index, 1)
      known.delete(key(task))
      report(task, 'returned', 0, null, null)
    }
    fill()
  }

  return {
    size: () => known.size,
    take(task) {
      if (known.has(key(task)) || ended.has(key(task))) return
      if (draining) return report(task, 'returned', 0, null, null)
      known.add(key(task))
      // By priority, then in the order of arrival; nearly always at the end.
      let at = queue.length
      while (at > 0 && (queue[at - 1] as Assignment).priority < task.priority) at--
      queue.splice(at, 0, task)
      fill()
    },
    recall: (tasks) => handBack((task) => tasks.some((ref) => isSame(ref, task))),
    drain() {
      draining = true
      handBack(() => true)
    },
    cancel(tasks) {
      for (const ref of tasks) {
        const queued = queue.findIndex((task) => isSame(ref, task))
        if (queued >= 0) {
          queue.splice(queued, 1)
          known.delete(key(ref))
          report(ref, 'cancelled', 0, null, performance.now())
        }
        const slot = slots.find(({ task }) => task && isSame(ref, task))
        if (slot) stop(slot, 'cancelled')
      }
      fill()
    },
    revoke(tasks) {
      for (const ref of tasks) {
        known.delete(key(ref))
        const queued = queue.findIndex((task) => isSame(ref, task))
        if (queued >= 0) queue.splice(queued, 1)
        const slot = slots.find(({ task }) => task && isSame(ref, task))
        if (!slot) continue
        slot.thread.replace()
        release(slot)
      }
      fill()
    },
    held: () => [
      ...slots.flatMap(({ task }) =>
        task ? [{ taskId: task.taskId, attempt: task.attempt, started: true }] : [],
      ),
      ...queue.map(({ taskId, attempt }) => ({ taskId, attempt, started: false })),
    ],
    idle: () =>
      new Promise((resolve) => {
        onIdle.push(resolve)
        fill()
      }),
    stop() {
      for (const slot of slots) {
        if (slot.timer) clearTimeout(slot.timer)
        slot.thread.stop()
      }
    },
  }
}
