import type { Log } from '../../shared/log.ts'
import type { Sql } from '../../shared/store/connect.ts'
import { listWorkerNames } from '../../shared/store/workers.ts'

export interface Names {
  /** The name of a worker as far as it is known now. */
  of(workerId: number): string
  /** Looks the names up; calls while it looks are answered by one more look. */
  refresh(): Promise<void>
}

const PAUSE_MS = 1000

/** The names of workers, looked up when an unknown one is asked for, at most once a second. */
export function createNames(sql: Sql, log: Log): Names {
  let names = new Map<number, string>()
  let looking: Promise<void> | null = null
  let again = false
  let lookedAt = Number.NEGATIVE_INFINITY

  async function look() {
    do {
      again = false
      lookedAt = performance.now()
      try {
        names = new Map((await listWorkerNames(sql)).map(({ id, name }) => [id, name]))
      } catch (error) {
        log.debug({ err: error }, 'Could not look up the names of workers')
      }
    } while (again)
    looking = null
  }

  function refresh() {
    if (looking) again = true
    looking ??= look()
    return looking
  }

  return {
    of(workerId) {
      const name = names.get(workerId)
      if (name === undefined && !looking && performance.now() - lookedAt > PAUSE_MS) void refresh()
      return name ?? `Worker-${workerId}`
    },
    refresh,
  }
}
