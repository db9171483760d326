import type { LogLine } from '../shared/core/output.ts'
import type { Assignment } from '../shared/core/task.ts'
import { createBatchState, MAX_BATCH } from './batch-state.ts'
import {
  numberOf,
  PLAIN,
  type SlotMessage,
  type SlotOutcome,
  type SlotProgress,
  type SlotSaid,
  type SlotSettings,
  type SlotStray,
  type SlotTask,
} from './messages.ts'

/** One slot's thread: runs one task at a time and is replaced when it breaks or is stopped. */
export interface SlotThread<Task extends Assignment> {
  /** False while one that took another's place is starting: what it is sent waits for that. */
  readonly ready: boolean
  /** Whether a handler ran in it, which may have left something behind. */
  readonly isUsed: boolean
  /** Runs these, one after another; only when all that it was sent before are over. */
  run(tasks: Task[]): void
  /** What it was sent and has not ended, as far as is known. */
  open(): Task[]
  readonly isBusy: boolean
  /** What runs, or is about to, and since when. */
  current(): { task: Task; startedAt: number } | null
  hasBegun(task: Task): boolean
  /** Takes a task back; false when it has begun. */
  withdraw(task: Task): boolean
  /** Tells the listener of ends that the thread has not told yet, for it may not get to it. */
  collect(): void
  /** Signals a task that runs to stop. */
  signal(task: Task): void
  /** Kills the processes of the running task; false when it has none. Then it ends by itself. */
  kill(): boolean
  /**
   * Ends what runs at once, whatever it does, by ending the thread; a new one takes its place.
   *
   * @param dropped of which nothing is told any more, unless it has ended by now; of the others it is
   */
  replace(dropped?: Task): void
  stop(): void
}

/** Times are ms on our clock. */
export interface SlotEnd<Task> {
  task: Task
  outcome: SlotOutcome
  startedAt: number
  endedAt: number
  /** ms that it took in its thread. */
  tookMs: number
}

export interface SlotListener<Task> {
  /** How tasks ended; a thread that breaks ends its running task as failed. */
  onEnds(ends: SlotEnd<Task>[]): void
  /** The thread is gone for something that this task may not have done: it is to run again. */
  onReturn(task: Task, reason: string): void
  /** The thread is gone, and with it how this task ended: it is to run again. */
  onLost(task: Task): void
  /** The thread is gone before it began these. */
  onUnstarted(tasks: Task[]): void
  /** A task that is over left something behind that failed, and hurt nobody. */
  onStray(reason: string, taskId: string | undefined): void
  /** Each time that a thread is ready. */
  onReady(): void
  onLines(task: Task, lines: LogLine[]): void
  onProgress(task: Task, value: number): void
}

export function createSlotThread<Task extends Assignment>(
  settings: SlotSettings,
  listener: SlotListener<Task>,
): SlotThread<Task> {
  let ready = true
  /** What it was sent last, in that order; null: it is over. */
  let tasks: (Task | null)[] = []
  let batch = 0
  let sentAt = 0
  /** When the latest of them ended whose end was told. */
  let freeAt = 0
  let isUsed = false
  /** Something that an earlier task left behind failed. */
  let hasStrays = false
  /** The process group of the running task. */
  let group: number | null = null
  /** ms by which our clock is ahead of the thread's. */
  let ahead = Number.POSITIVE_INFINITY
  /** Of the thread that runs: one that was given up may still write to its own. */
  let state = createBatchState()
  let thread = start()

  function start(): Worker {
    ahead = Number.POSITIVE_INFINITY
    isUsed = false
    hasStrays = false
    state = createBatchState()
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
        listener.onReady()
      } else if ('over' in data) collect()
      else if ('stray' in data) onStray(data)
      else if ('group' in data) group = tasks.some((task) => task) ? data.group : null
      else if ('outcome' in data) finish(data.number, data.outcome)
      else onSaid(data)
    }
    const onStray = ({ stray, of, taskId, number }: SlotStray) => {
      if (of === 'earlier') {
        if (started !== thread) return
        // Once is enough to know: what goes on and on ends with the thread, as soon as nothing else runs in it.
        if (!hasStrays) listener.onStray(stray.error ?? '', taskId)
        hasStrays = true
        collect()
      } else {
        const index = number === undefined ? -1 : number - numberOf(batch, 0)
        onBreak(stray.error ?? '', of === 'current' ? stray : null, index)
      }
    }
    /**
     * @param own how the running task ended by it; null: it cannot be told that it did
     * @param index the running task's; -1: none runs
     */
    const onBreak = (reason: string, own: SlotOutcome | null, index: number) => {
      if (started !== thread) return
      const running = tasks[index] ?? null
      const ends: SlotEnd<Task>[] = []
      if (running) {
        const [startedAt, endedAt] = [startOf(index), performance.now()]
        if (own) ends.push({ task: running, outcome: own, startedAt, endedAt, tookMs: endedAt - startedAt })
        tasks[index] = null
      }
      renew(ends)
      if (running && !own) listener.onReturn(running, reason)
    }
    // Without a word before: where no other task can have left anything behind, it was the running one.
    const onSilence = (reason: string) => {
      const error = `The slot's thread broke: ${reason}`
      if (started !== thread) return
      collect()
      onBreak(error, isUsed ? null : { ok: false, output: null, error }, currentIndex())
    }
    started.onerror = (event) => onSilence(event.message || 'unknown error')
    started.addEventListener('close', () => onSilence('it exited'))
    started.postMessage({ settings, memory: state.memory })
    return started
  }

  function onSaid(said: (SlotSaid | SlotProgress) & { number: number }) {
    const task = tasks[said.number - numberOf(batch, 0)]
    if (!task) return
    if ('progress' in said) return listener.onProgress(task, said.progress)
    listener.onLines(
      task,
      said.lines.map((line) => ({ ...line, at: line.at + ahead })),
    )
  }

  /** The ends that are known and were not told, with the one that a message told. */
  function takeEnds(told: { index: number; outcome: SlotOutcome } | null = null): SlotEnd<Task>[] {
    const ends: SlotEnd<Task>[] = []
    for (let index = 0; index < tasks.length; index++) {
      const task = tasks[index]
      if (!task) continue
      const isTold = told?.index === index
      if (!isTold && !state.isEnded(index)) continue
      tasks[index] = null
      isUsed ||= task.executor === 'function'
      const outcome = isTold ? told.outcome : outcomeOf(state.outcome(index))
      const [startedAt, endedAt] = [startOf(index), ours(state.endedAt(index))]
      freeAt = endedAt
      ends.push({ task, outcome, startedAt, endedAt, tookMs: state.endedAt(index) - state.startedAt(index) })
    }
    return ends
  }

  function collect() {
    tellOf(takeEnds())
  }

  function finish(number: number, outcome: SlotOutcome) {
    tellOf(takeEnds({ index: number - numberOf(batch, 0), outcome }))
  }

  function tellOf(ends: SlotEnd<Task>[]) {
    if (!isBusy()) {
      group = null
      if (hasStrays) return renew(ends)
    }
    if (ends.length > 0) listener.onEnds(ends)
  }

  const isBusy = () => tasks.some((task) => task !== null)
  /** A time of the thread on our clock: not before it was sent anything, and not in the future. */
  const ours = (at: number) => Math.max(sentAt, Math.min(at + ahead, performance.now()))
  // The first of a message starts when it is sent: the thread has nothing else to do.
  const startOf = (index: number) => {
    if (index === 0) return sentAt
    return state.isWaiting(index) ? freeBefore(index) : ours(state.startedAt(index))
  }

  /** When the thread was done with what comes before: it may have ended more than was told. */
  function freeBefore(index: number): number {
    const last = tasks.findLastIndex((task, before) => task && before < index)
    return last < 0 ? freeAt : ours(state.endedAt(last))
  }

  /**
   * Of what runs, or is about to: the first that has not ended. The thread goes on while this looks, so each is asked first
   * whether it waits: it may begin in between, but not wait again.
   */
  const currentIndex = () =>
    tasks.findIndex((task, index) => task && (state.isWaiting(index) || state.isStarted(index)))

  /**
   * Ends the thread, and all that runs in it; a new one takes its place.
   *
   * @param ended what is known to have ended by then, besides what the thread left in memory
   */
  function renew(ended: SlotEnd<Task>[]) {
    const ends = [...takeEnds(), ...ended]
    const unstarted: Task[] = []
    const lost: Task[] = []
    for (const [index, task] of tasks.entries()) {
      if (task && state.withdraw(index)) unstarted.push(task)
      else if (task && state.isTold(index)) lost.push(task)
    }
    tasks = []
    killGroup(group)
    group = null
    ready = false
    const old = thread
    thread = start()
    old.terminate()
    if (ends.length > 0) listener.onEnds(ends)
    for (const task of lost) listener.onLost(task)
    if (unstarted.length > 0) listener.onUnstarted(unstarted)
  }

  return {
    get ready() {
      return ready
    },
    get isUsed() {
      return isUsed
    },
    run(given) {
      if (given.length > MAX_BATCH) throw new Error(`a slot takes at most ${MAX_BATCH} tasks`)
      tasks = given
      sentAt = performance.now()
      freeAt = sentAt
      batch = state.open(given.length)
      thread.postMessage({ batch, tasks: JSON.stringify(given.map(slotTask)) })
    },
    open: () => tasks.filter((task) => task !== null),
    get isBusy() {
      return isBusy()
    },
    current() {
      const index = currentIndex()
      const task = tasks[index]
      return task ? { task, startedAt: startOf(index) } : null
    },
    hasBegun(task) {
      const index = tasks.indexOf(task)
      return index >= 0 && !state.isWaiting(index)
    },
    withdraw(task) {
      const index = tasks.indexOf(task)
      if (index < 0 || !state.withdraw(index)) return false
      tasks[index] = null
      return true
    },
    collect,
    signal(task) {
      const index = tasks.indexOf(task)
      if (index >= 0) thread.postMessage({ stop: numberOf(batch, index) })
    },
    kill() {
      killGroup(group)
      return group !== null
    },
    replace(dropped) {
      const ends = takeEnds()
      const index = dropped ? tasks.indexOf(dropped) : -1
      if (index >= 0) tasks[index] = null
      renew(ends)
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

/** Nothing that the thread does not need. */
function slotTask({ taskId, attempt, command, executor, payload, parents }: Assignment): SlotTask {
  const task: SlotTask = { taskId, attempt, command, executor, payload }
  if (parents) task.parents = JSON.stringify(parents)
  return task
}

const outcomeOf = (json: string): SlotOutcome => (json === '' ? PLAIN : (JSON.parse(json) as SlotOutcome))

function killGroup(group: number | null) {
  try {
    if (group !== null) process.kill(-group, 'SIGKILL')
  } catch {
    // It is over.
  }
}
