import type { LogStream } from '../shared/core/output.ts'
import type { Json } from '../shared/core/task.ts'
import { MAX_BATCH } from './batch-state.ts'

/** What the pool tells a slot's thread: run these, one after another, or stop the one of this number. */
export type SlotOrder =
  | { settings: SlotSettings; memory: SharedArrayBuffer }
  | { batch: number; tasks: SlotTasks }
  | { stop: number }

/** The number of a task that a thread is sent: no other that it is sent has the same. */
export const numberOf = (batch: number, index: number) => batch * MAX_BATCH + index

/** `SlotTask[]` as JSON: to pass a text on costs half of what copying objects does, and JSON is all that they hold. */
export type SlotTasks = string

export interface SlotTask {
  taskId: string
  attempt: number
  command: string
  executor: string
  payload: Json | null
  /** What the tasks that it waited for came to, as JSON: to copy the value would change its numbers. */
  parents?: string
}

/** What a slot's thread answers: it is ready, what its task says meanwhile, or that the shared memory says more. */
export type SlotMessage =
  | SlotReady
  | ((SlotSaid | SlotProgress) & { number: number })
  | SlotGroup
  | SlotStray
  | SlotTold
  | SlotOver

export interface SlotProgress {
  progress: number
}

/** How one task ended, where the shared memory cannot say it: after all that it said. */
export interface SlotTold {
  outcome: SlotOutcome
  number: number
}

/** All tasks of a message have ended, or were withdrawn. */
export interface SlotOver {
  over: number
  /** ms on the thread's clock. */
  now: number
}

export interface SlotReady {
  ready: true
  /** ms on the thread's clock. */
  now: number
}

export interface SlotSaid {
  /** ms on the thread's clock as it sends this; `at` is on that clock. */
  now: number
  lines: { seq: number; at: number; stream: LogStream; text: string }[]
}

/** The process group in which the task runs, or null when it is over. Whoever ends the thread ends the group. */
export interface SlotGroup {
  group: number | null
}

/** What was thrown, or ended the thread, outside of what its task waits for. */
export interface SlotStray {
  stray: SlotOutcome
  /** Whose it is: a task's that is over, the running one's, or not to be told. */
  of: 'earlier' | 'current' | 'unknown'
  /** The task that left it behind, if it is known. */
  taskId?: string
  /** The running one's number. */
  number?: number
}

export interface SlotOutcome {
  ok: boolean
  output: string | null
  error: string | null
  /** JSON. */
  result?: string | null
  stack?: string | null
  /** Of a failure: it would fail again. */
  final?: boolean
}

/** The outcome of most tasks. */
export const PLAIN: SlotOutcome = { ok: true, output: null, error: null }

/** What a slot's thread is started with. */
export interface SlotSettings {
  /** ms that `simulate` takes when the task does not say. */
  processTimeMs: number
  /** File to which `simulate` appends a line at each start and end, for those who check us from outside. */
  historyFile: string | null
  /** Executors that tasks may name. */
  executors: readonly string[]
  /** File or folder of the handlers of function tasks. */
  handlers: string | null
  /** Addresses of private networks that `http` may reach: CIDRs, or `*` for all. */
  allowPrivate: readonly string[]
  /** PATH and LANG of shell tasks. */
  shellEnv: Readonly<Record<string, string>>
  /** A cgroup (version 2) in which shell tasks may be limited; null: the worker's own. */
  cgroup: string | null
}
