import { AppError } from '../shared/core/error.ts'
import type { FollowedTask } from './task-service.ts'

/** Tasks that one look asks for, at most. */
const CHUNK = 1000
/** ms between two looks: what other coordinators do with a task is not told here. */
const LOOK_MS = 500
/** ms after a signal: one look for all that is written together. */
const SOON_MS = 20

export interface TaskWatch {
  /**
   * Tells how a task stands after every change, and perhaps again without one.
   *
   * @param onError told once when it can no longer be told, as when the task is deleted
   * @returns what ends it
   */
  add(taskId: string, tell: (task: FollowedTask) => void, onError: (error: unknown) => void): () => void
  /** What becomes of tasks has just been written: looks soon. */
  signal(): void
  stop(): void
}

interface Watcher {
  taskId: string
  tell(task: FollowedTask): void
  onError(error: unknown): void
}

/**
 * Looks up all tasks that are watched, together. Nobody watches: no look.
 *
 * @param find those of these tasks that there are
 */
export function createTaskWatch(
  find: (ids: string[]) => Promise<FollowedTask[]>,
  lookMs = LOOK_MS,
): TaskWatch {
  const watchers = new Set<Watcher>()
  let timer: Timer | null = null
  let looking = false
  let again = false
  /** Whether the next look is as early as a signal makes it. */
  let soon = false

  async function look() {
    looking = true
    soon = false
    try {
      const before = [...watchers]
      const ids = [...new Set(before.map(({ taskId }) => taskId))]
      const found = new Map<string, FollowedTask>()
      for (let from = 0; from < ids.length; from += CHUNK) {
        for (const task of await find(ids.slice(from, from + CHUNK))) found.set(task.id, task)
      }
      for (const watcher of before) {
        const task = found.get(watcher.taskId)
        if (task) watcher.tell(task)
        else if (watchers.delete(watcher)) watcher.onError(new AppError('not_found', 'Task not found'))
      }
    } catch {
      // The database is away: the next look will tell.
    } finally {
      looking = false
      arm(again ? SOON_MS : lookMs)
      again = false
    }
  }

  function arm(ms: number) {
    if (timer) clearTimeout(timer)
    timer = watchers.size > 0 ? setTimeout(look, ms) : null
  }

  return {
    add(taskId, tell, onError) {
      const watcher = { taskId, tell, onError }
      watchers.add(watcher)
      if (!looking) arm(0)
      return () => void watchers.delete(watcher)
    },
    signal() {
      if (looking) again = true
      else if (watchers.size > 0 && !soon) {
        soon = true
        arm(SOON_MS)
      }
    },
    stop() {
      if (timer) clearTimeout(timer)
      for (const { onError } of watchers)
        onError(new AppError('unavailable', 'the coordinator stops; ask again'))
      watchers.clear()
    },
  }
}
