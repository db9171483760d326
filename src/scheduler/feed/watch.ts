import type { Task } from '../../shared/core/task.ts'
import { type EventDraft, type EventType, plainEvent, TYPE_OF_STATE } from './event.ts'
import type { Entry } from './ring.ts'

export type Put = (entry: Entry) => void

type Standing = Pick<Task, 'id' | 'state' | 'attempt'>

export interface WatchOptions {
  /** How these tasks stand now. */
  find: (ids: string[]) => Promise<Standing[]>
  /** Makes an entry of what was found, with an id of its own. */
  enter: (draft: EventDraft) => Entry
  onError: (error: unknown) => void
}

export interface Watch {
  /** Tells `put` how the task stands, and from then on whatever becomes of it. */
  add(taskId: string, put: Put): void
  remove(taskId: string, put: Put): void
  /** Passes an event on to those who watch its task. */
  route(entry: Entry): void
  /** Looks all watched tasks up: what became of them may not have been told. */
  recheck(): void
  /** How many tasks are watched. */
  readonly size: number
  stop(): void
}

const CHUNK = 1000
/** ms between two looks, and after one that failed. */
const PAUSE_MS = 50
const RETRY_MS = 1000

/**
 * Watches single tasks. Events are a sample when there are many, so what a watcher is told comes from them
 * and, when some were left out, from the table; each watcher is told each step once, and never a step back.
 */
export function createWatch({ find, enter, onError }: WatchOptions): Watch {
  /** By task, the last step that each watcher was told. */
  const watched = new Map<string, Map<Put, number>>()
  let looking = false
  let again = false
  let stopped = false

  function tell(taskId: string, step: number, entry: () => Entry) {
    for (const [put, told] of watched.get(taskId) ?? []) {
      if (step <= told) continue
      watched.get(taskId)?.set(put, step)
      put(entry())
    }
  }

  async function look() {
    looking = true
    while (again && watched.size > 0 && !stopped) {
      again = false
      const ids = [...watched.keys()]
      try {
        for (let from = 0; from < ids.length; from += CHUNK) {
          for (const standing of await find(ids.slice(from, from + CHUNK))) tellStanding(standing)
        }
        await Bun.sleep(PAUSE_MS)
      } catch (error) {
        onError(error)
        again = true
        await Bun.sleep(RETRY_MS)
      }
    }
    looking = false
  }

  function tellStanding({ id, state, attempt }: Standing) {
    const type = state === 'pending' && attempt > 0 ? 'reassigned' : TYPE_OF_STATE[state]
    let entry: Entry | undefined
    tell(id, stepOf(type, attempt), () => {
      entry ??= enter(plainEvent(type, Date.now(), `Task ${id} is ${state}`, { taskId: id, attempt }))
      return entry
    })
  }

  function recheck() {
    again = true
    if (!looking) void look()
  }

  return {
    add(taskId, put) {
      const puts = watched.get(taskId) ?? new Map<Put, number>()
      watched.set(taskId, puts.set(put, -1))
      recheck()
    },
    remove(taskId, put) {
      const puts = watched.get(taskId)
      puts?.delete(put)
      if (puts?.size === 0) watched.delete(taskId)
    },
    route(entry) {
      const { task_id, type, attempt } = entry.event
      if (task_id !== null) tell(task_id, stepOf(type, attempt ?? 0), () => entry)
    },
    recheck,
    get size() {
      return watched.size
    },
    stop() {
      stopped = true
    },
  }
}

const RANK: Partial<Record<EventType, number>> = {
  scheduled: 0,
  assigned: 1,
  started: 2,
  retrying: 3,
  reassigned: 3,
}
const END = Number.MAX_SAFE_INTEGER

/** Where in a task's life an event lies: higher is later, and nothing is later than the end. */
function stepOf(type: EventType, attempt: number): number {
  const rank = RANK[type]
  return rank === undefined ? END : attempt * 4 + rank
}
