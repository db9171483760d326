import type { Sql } from '../src/shared/store/connect.ts'

const PAUSE_MS = 1000

export interface LockWaits {
  samples: number
  /** Sessions seen waiting for a heavyweight lock, by what the lock is on; all samples together. */
  sessions: Record<string, number>
}

/** Looks once a second at who waits for a lock, until told to stop. */
export function watchLockWaits(sql: Sql): { stop(): Promise<LockWaits> } {
  let over = false
  const waits: LockWaits = { samples: 0, sessions: {} }
  const watching = (async () => {
    while (!over) {
      const rows = await sql<{ event: string; sessions: number }[]>`
        SELECT wait_event AS event, count(*)::int AS sessions
        FROM pg_stat_activity WHERE wait_event_type = 'Lock' GROUP BY 1`
      waits.samples++
      for (const { event, sessions } of rows) waits.sessions[event] = (waits.sessions[event] ?? 0) + sessions
      await Bun.sleep(PAUSE_MS)
    }
  })()
  // Until somebody waits for it.
  watching.catch(() => {})
  return {
    async stop() {
      over = true
      await watching
      return waits
    },
  }
}
