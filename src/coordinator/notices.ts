import type { Log } from '../shared/log.ts'
import { type Repeating, repeat } from '../shared/repeat.ts'
import type { Troubles } from '../shared/runtime/troubles.ts'
import { MUTED_AT, readNoticeQueueUsage } from '../shared/store/channel.ts'
import type { Sql } from '../shared/store/connect.ts'

const LOOK_MS = 2000

/** Keeps the record of whether changes can tell of themselves: the queue of notices is the whole server's. */
export function startNotices(sql: Sql, log: Log, troubles: Troubles): Repeating {
  return repeat('Notices', LOOK_MS, log, async () => {
    const usage = await readNoticeQueueUsage(sql)
    if (usage < MUTED_AT) return troubles.resolve('notices')
    const percent = Math.round(usage * 100)
    troubles.raise('notices', {
      message:
        `PostgreSQL's queue of notices is ${percent} % full, so changes are looked for every second instead. ` +
        'Look in pg_stat_activity for a session of any database that listens and has been in a transaction for long, and end it.',
    })
  })
}
