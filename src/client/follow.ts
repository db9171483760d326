import { createBell } from './bell.ts'
import { isForNow } from './errors.ts'
import { type FeedEvent, isEndState, stepOf, type TaskUpdate, updateOfEnd, updateOfEvent } from './update.ts'
import type { Watcher } from './watcher.ts'
import type { TaskDetailView } from './wire.ts'

export interface FollowOptions {
  watcher: Watcher<FeedEvent>
  get(taskId: string): Promise<TaskDetailView>
  /** ms for which the scheduler may be away. */
  patienceMs: number
}

/** ms after which a task that nothing was heard of is asked for: it may have been deleted. */
const RECHECK_MS = 30_000
const RETRY_MS = 500
/** Updates kept for one who does not take them; the oldest go first. */
const MAX_KEPT = 1000

export interface Followers {
  /** How the task stands, then what becomes of it, up to its end. */
  updates(taskId: string, signal: AbortSignal): AsyncGenerator<TaskUpdate, void, undefined>
  /** The task, asked for again while the scheduler is away for a while. */
  getPatiently(taskId: string, signal: AbortSignal): Promise<TaskDetailView>
}

export function createFollowers({ watcher, get, patienceMs }: FollowOptions): Followers {
  async function getPatiently(taskId: string, signal: AbortSignal) {
    const startedAt = performance.now()
    for (;;) {
      try {
        return await get(taskId)
      } catch (error) {
        if (!isForNow(error) || performance.now() - startedAt > patienceMs) throw error
      }
      await createBell().wait(RETRY_MS, signal)
    }
  }

  return {
    getPatiently,

    async *updates(taskId, signal) {
      signal.throwIfAborted()
      const bell = createBell()
      const kept: TaskUpdate[] = []
      let told = -1
      let mustLook = false
      const unwatch = watcher.watch(taskId, (event) => {
        if (event && event.type !== 'gap') {
          kept.push(updateOfEvent(event, taskId))
          if (kept.length > MAX_KEPT) kept.shift()
        } else mustLook = true
        bell.ring()
      })
      try {
        for (;;) {
          for (let update = kept.shift(); update; update = kept.shift()) {
            const step = stepOf(update)
            if (step !== null && step <= told) continue
            if (step !== null) told = step
            yield update
            if (isEndState(update.state)) return
          }
          if (mustLook) {
            mustLook = false
            const task = await getPatiently(taskId, signal)
            if (isEndState(task.state)) return yield updateOfEnd(task)
          }
          if (!(await bell.wait(RECHECK_MS, signal))) mustLook = true
        }
      } finally {
        unwatch()
      }
    },
  }
}
