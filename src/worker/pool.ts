import type { LogLine } from '../shared/core/output.ts'
import type { Report } from '../shared/core/report.ts'
import type { Assignment, TaskRef } from '../shared/core/task.ts'
import { batchLength, createRunTimes, kindOf, LONG_MS, type RunTimes } from './batching.ts'
import { PLAIN, type SlotSettings } from './messages.ts'
import { createRecent } from './recent.ts'
import { createSlotThread, type SlotEnd, type SlotThread } from './thread.ts'

/** ms that a task whose processes were killed has to say how it ended. */
const LAST_WORDS_MS = 2000

/** How many ended attempts are remembered, and how many tasks that were given back. */
const REMEMBERED = 2000

export interface PoolOptions {
  slots: number
  settings: SlotSettings
  /** Told when an attempt that takes long starts, and when one ends or is handed back. */
  onReport: (report: Report) => void
  /** Told once of each attempt that started; of a short one, as it ends. */
  onStart?: (attempt: TaskRef) => void
  /** Told what the attempts say while they run. */
  onLines?: (attempt: TaskRef, lines: LogLine[]) => void
  onProgress?: (attempt: TaskRef, value: number) => void
  /** How long tasks take; none: it learns that from nothing. */
  runTimes?: RunTimes
  /** Told of what tasks that are over left behind, and which failed. */
  onStray?: (reason: string, taskId: string | undefined) => void
}

/** The slots of a worker and the tasks queued for them. */
export interface Pool {
  /** Takes an attempt, unless it has it already. */
  take(task: Assignment): void
  /** The same of several at once: the short ones among them may be run by one message to a slot. */
  takeAll(tasks: Assignment[]): void
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

/** A task on its way through the pool. */
interface Entry extends Assignment {
  key: string
  /** Of what is expected to take equally long; null: it goes alone. */
  kind: string | null
  /** Its slot; null: it is queued. */
  slot: Slot | null
  /** Since when it was reported to run; null: it was not. */
  startedAt: number | null
}

interface Slot {
  index: number
  thread: SlotThread<Entry>
  /** Why the task has been signalled to stop. */
  stopping: StopReason | null
  /** Looks after what it was given; then it signals a task whose time is up, and ends one that does not stop. */
  timer: Timer | null
}

type StopReason = 'cancelled' | 'timed out'

const keyOf = ({ taskId, attempt }: TaskRef) => `${taskId}#${attempt}`

export function createPool(options: PoolOptions): Pool {
  const { slots: count, settings, onReport, runTimes = createRunTimes() } = options
  const queue: Entry[] = []
  const known = new Map<string, Entry>()
  /** The latest that ended, so that one delivered twice is not run twice. */
  const ended = createRecent(REMEMBERED)
  /** Tasks that broke a thread, or that something left behind there broke: in a new thread it is told which. */
  const suspects = createRecent(REMEMBERED)
  const slots: Slot[] = Array.from({ length: count }, (_, index) => ({
    index,
    thread: createSlotThread<Entry>(settings, {
      onEnds(ends) {
        for (const one of ends) end(one)
        release(slots[index] as Slot)
        fill()
      },
      onReturn: giveBack,
      onLost(entry) {
        drop(entry)
        report(entry, 'returned', entry.startedAt, null)
      },
      onUnstarted(entries) {
        putBack(entries)
        release(slots[index] as Slot)
        fill()
      },
      onStray: (reason, taskId) => options.onStray?.(reason, taskId),
      onReady() {
        offer(index)
        fill()
      },
      onLines: ({ taskId, attempt }, lines) => options.onLines?.({ taskId, attempt }, lines),
      onProgress: ({ taskId, attempt }, value) => options.onProgress?.({ taskId, attempt }, value),
    }),
    stopping: null,
    timer: null,
  }))
  /** Idle, and no new thread is starting there: the time that takes is not the next task's. */
  const free = slots.map(({ index }) => index).reverse()
  let onIdle: (() => void)[] = []
  let draining = false

  /**
   * The expected run time of a task that may be sent with others, or null. One that is tried again may have ended its worker:
   * that it starts has to be known, or its loss would not count.
   */
  function shortMsOf({ taskId, attempt, timeoutMs, kind }: Entry): number | null {
    const isExact = timeoutMs !== null && timeoutMs < 2 * LONG_MS
    return isExact || attempt > 1 || suspects.has(taskId) ? null : runTimes.shortMs(kind)
  }

  function fill() {
    while (queue.length > 0 && free.length > 0) {
      const slot = slots[free.pop() as number] as Slot
      const first = queue[0] as Entry
      if (suspects.has(first.taskId) && slot.thread.isUsed) {
        // It waits until the new thread is ready, and so do those behind it: for a few milliseconds.
        slot.thread.replace()
        break
      }
      const isShort = shortMsOf(first) !== null
      const length = batchLength(queue.length, free.length + 1, (place) => shortMsOf(queue[place] as Entry))
      const batch = queue.splice(0, length)
      for (const entry of batch) entry.slot = slot
      slot.thread.run([...batch])
      if (isShort) slot.timer = setTimeout(look, LONG_MS, slot)
      else begin(first, performance.now())
    }
    if (onIdle.length > 0 && known.size === 0) {
      for (const resolve of onIdle) resolve()
      onIdle = []
    }
  }

  /** Reports that a task runs, for it takes long, and looks after its time. */
  function begin(entry: Entry, startedAt: number) {
    const { slot, timeoutMs } = entry
    if (!slot) return
    entry.startedAt = startedAt
    if (slot.timer) clearTimeout(slot.timer)
    slot.timer =
      timeoutMs === null
        ? null
        : setTimeout(stop, timeoutMs - (performance.now() - startedAt), entry, 'timed out')
    options.onStart?.(entry)
    report(entry, 'started', startedAt, null)
  }

  /** What was to be over by now: what runs is long, and what waits behind it goes elsewhere. */
  function look(slot: Slot) {
    slot.timer = null
    slot.thread.collect()
    const current = slot.thread.current()
    // It may have been given something else by now.
    if (!current || current.task.startedAt !== null || slot.timer) return
    const ms = performance.now() - current.startedAt
    if (ms < LONG_MS) {
      slot.timer = setTimeout(look, LONG_MS - ms, slot)
      return
    }
    runTimes.note(current.task.kind, ms)
    settleDown(current.task, current.startedAt)
    fill()
  }

  /** From now on the slot has this task alone. */
  function settleDown(entry: Entry, startedAt: number) {
    const { thread } = entry.slot as Slot
    putBack(thread.open().filter((other) => other !== entry && thread.withdraw(other)))
    if (entry.startedAt === null) begin(entry, startedAt)
  }

  /** To the head of the queue, before what came later. */
  function putBack(entries: Entry[]) {
    for (const entry of entries.toReversed()) {
      entry.slot = null
      const at = queue.findIndex(({ priority }) => priority <= entry.priority)
      queue.splice(at < 0 ? queue.length : at, 0, entry)
    }
  }

  /** It is nothing of the pool's any more. */
  function drop(entry: Entry) {
    known.delete(entry.key)
    if (entry.slot) release(entry.slot)
    else queue.splice(queue.indexOf(entry), 1)
  }

  function end({ task: entry, outcome, startedAt, endedAt, tookMs }: SlotEnd<Entry>) {
    const { ok, error, ...rest } = outcome
    const stopping = entry.startedAt === null ? null : (entry.slot?.stopping ?? null)
    known.delete(entry.key)
    ended.add(entry.key)
    suspects.delete(entry.taskId)
    runTimes.note(entry.kind, tookMs)
    // What finished all the same, finished: the signal came too late.
    const kind = ok ? 'completed' : stopping === 'cancelled' ? 'cancelled' : 'failed'
    const reason = !ok && stopping === 'timed out' ? `timed out after ${entry.timeoutMs} ms` : error
    if (entry.startedAt === null) options.onStart?.(entry)
    // How the clocks differ may be known better than when the start was reported.
    const since = entry.startedAt ?? startedAt
    report(entry, kind, since, Math.max(since, endedAt), reason, outcome === PLAIN ? null : rest)
  }

  /** What was running runs again, uncharged: it cannot be told that it did what ended its thread. */
  function giveBack(entry: Entry, reason: string) {
    const slot = entry.slot as Slot
    if (slot.stopping) {
      endNow(entry, reason)
    } else {
      drop(entry)
      suspects.add(entry.taskId)
      options.onStray?.(reason, undefined)
      report(entry, 'returned', entry.startedAt, null)
    }
    fill()
  }

  function endNow(entry: Entry, error: string) {
    const [startedAt, endedAt] = [entry.startedAt ?? performance.now(), performance.now()]
    const outcome = { ok: false, output: null, error }
    end({ task: entry, outcome, startedAt, endedAt, tookMs: endedAt - startedAt })
    release(entry.slot as Slot)
  }

  function stop(entry: Entry, reason: StopReason) {
    const slot = entry.slot
    if (!slot || slot.stopping === 'cancelled') return
    slot.stopping = reason
    slot.thread.signal(entry)
    if (slot.timer) clearTimeout(slot.timer)
    slot.timer = setTimeout(() => {
      // With its processes gone it ends by itself, and what it said is kept.
      if (slot.thread.kill()) slot.timer = setTimeout(force, LAST_WORDS_MS, entry)
      else force(entry)
    }, entry.cancelGraceMs)
  }

  function force(entry: Entry) {
    const slot = entry.slot as Slot
    slot.thread.replace(entry)
    if (!known.has(entry.key)) return
    endNow(entry, 'did not stop in time; its thread was ended')
    fill()
  }

  /** Makes a slot free that has nothing more to do. */
  function release(slot: Slot) {
    if (slot.thread.isBusy) return
    slot.stopping = null
    if (slot.timer) clearTimeout(slot.timer)
    slot.timer = null
    offer(slot.index)
  }

  function offer(index: number) {
    const { thread } = slots[index] as Slot
    if (!thread.isBusy && thread.ready && !free.includes(index)) free.push(index)
  }

  function report(
    { taskId, attempt, slot }: TaskRef & { slot: Slot | null },
    kind: Report['kind'],
    startedAt: number | null,
    endedAt: number | null,
    error: string | null = null,
    rest: Partial<Report> | null = null,
  ) {
    const said = { taskId, attempt, kind, slot: slot?.index ?? 0, startedAt, endedAt, error, output: null }
    onReport(rest === null ? said : { ...said, ...rest })
  }

  /** Takes a task back that has not begun: false when it has, or has even ended. */
  function takeBack(entry: Entry): boolean {
    if (entry.slot && (entry.startedAt !== null || !entry.slot.thread.withdraw(entry))) return false
    drop(entry)
    entry.slot = null
    return true
  }

  function handBack(entries: Iterable<Entry>) {
    for (const entry of entries) if (takeBack(entry)) report(entry, 'returned', null, null)
    fill()
  }

  function enqueue(task: Assignment) {
    const key = keyOf(task)
    if (known.has(key) || ended.has(key)) return
    const entry = { ...task, key, kind: kindOf(task), slot: null, startedAt: null }
    if (draining) return report(entry, 'returned', null, null)
    known.set(key, entry)
    // By priority, then in the order of arrival; nearly always at the end.
    let at = queue.length
    while (at > 0 && (queue[at - 1] as Entry).priority < task.priority) at--
    if (at === queue.length) queue.push(entry)
    else queue.splice(at, 0, entry)
  }

  const found = (tasks: TaskRef[]) => tasks.flatMap((ref) => known.get(keyOf(ref)) ?? [])

  function collect() {
    for (const { thread } of slots) thread.collect()
  }

  return {
    size: () => known.size,
    take(task) {
      enqueue(task)
      fill()
    },
    takeAll(tasks) {
      for (const task of tasks) enqueue(task)
      fill()
    },
    recall: (tasks) => handBack(found(tasks)),
    drain() {
      draining = true
      handBack([...known.values()])
    },
    cancel(tasks) {
      for (const entry of found(tasks)) {
        if (takeBack(entry)) {
          report(entry, 'cancelled', null, performance.now())
          continue
        }
        const { thread } = entry.slot as Slot
        thread.collect()
        const current = thread.current()
        if (current?.task !== entry) continue
        settleDown(entry, current.startedAt)
        stop(entry, 'cancelled')
      }
      fill()
    },
    revoke(tasks) {
      for (const entry of found(tasks)) {
        if (takeBack(entry)) continue
        const { thread } = entry.slot as Slot
        thread.collect()
        if (thread.current()?.task !== entry) continue
        known.delete(entry.key)
        thread.replace(entry)
        release(entry.slot as Slot)
      }
      fill()
    },
    held() {
      collect()
      return [...known.values()].map((entry) => ({
        ...{ taskId: entry.taskId, attempt: entry.attempt },
        started: entry.startedAt !== null || (entry.slot?.thread.hasBegun(entry) ?? false),
      }))
    },
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
