import type { Log } from '../log.ts'

/** What becomes of tasks, one by one, for whoever looks for one in the logs. */
export interface TaskLog {
  /** @param what what is done: `Received task` */
  tell(what: string, taskId: string, about?: object): void
}

const NONE: TaskLog = { tell() {} }
const SECOND_MS = 1000

/**
 * Writes lines such as `Received task: task_id: 0190…` at level info.
 *
 * @param perSecond of each kind, at most; the rest of a second is counted in one line. 0: none
 */
export function createTaskLog(log: Log, perSecond: number): TaskLog {
  if (perSecond === 0 || !log.isLevelEnabled('info')) return NONE
  const kinds = new Map<string, { until: number; told: number; more: number }>()
  let counting = false

  function count() {
    counting = false
    for (const [what, kind] of kinds) {
      if (kind.more > 0) log.info({ tasks: kind.more }, `${what}: ${kind.more} more in a second`)
      kind.more = 0
    }
  }

  return {
    tell(what, taskId, about = {}) {
      const now = performance.now()
      let kind = kinds.get(what)
      if (!kind) {
        kind = { until: 0, told: 0, more: 0 }
        kinds.set(what, kind)
      }
      if (now >= kind.until) {
        kind.until = now + SECOND_MS
        kind.told = 0
      }
      if (kind.told < perSecond) {
        kind.told++
        log.info(about, `${what}: task_id: ${taskId}`)
        return
      }
      kind.more++
      if (!counting) setTimeout(count, SECOND_MS).unref()
      counting = true
    },
  }
}
