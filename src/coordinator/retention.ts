import type { Log } from '../shared/log.ts'
import { type Repeating, repeat } from '../shared/repeat.ts'
import type { Troubles } from '../shared/runtime/troubles.ts'
import type { Sql } from '../shared/store/connect.ts'
import { deleteEnded } from '../shared/store/retention.ts'
import { troubled } from '../shared/store/troubled.ts'

const INTERVAL_MS = 5000
/** Tasks deleted by one statement; small, so that nobody waits for it. */
const BATCH = 1000
/** Statements in one turn; what is left waits for the next, so that the queue's own work goes first. */
const BATCHES = 20

/** Deletes ended tasks and their attempts when they are `ageMs` old. */
export function startRetention(sql: Sql, ageMs: number, log: Log, troubles: Troubles): Repeating {
  const remove = async () => {
    let deleted = 0
    for (const state of ['completed', 'failed', 'cancelled'] as const) {
      for (let batch = 0; batch < BATCHES; batch++) {
        const count = await deleteEnded(sql, state, { ageMs, limit: BATCH })
        deleted += count
        if (count < BATCH) break
      }
    }
    if (deleted > 0) log.info({ tasks: deleted }, 'Deleted tasks that were kept long enough')
  }
  return repeat('Retention', INTERVAL_MS, log, () =>
    troubled(troubles, 'retention', 'Old tasks cannot be deleted', remove),
  )
}
