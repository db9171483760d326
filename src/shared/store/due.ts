import type { Sql } from './connect.ts'
import { keyedLanes } from './lane-keys.ts'
import { anyKind, isClaimable, isKeyedClaimable, isOfLevel, type Kinds, kindsOf, levels } from './lanes.ts'
import { countsForQueue } from './rooms.ts'

/** Priorities of lanes, and keys of a lane, that are looked at; with more it makes no difference. */
const MAX_LEVELS = 10_000

/**
 * Counts the tasks that more workers like those that are there would start now, as far as `limit`: they are due, no worker
 * has them, and their queue and key let them. What is due later, on hold, beyond the room of its queue or for workers of
 * another kind is not among them; without any worker, all kinds are. It walks along the indexes of what can be claimed,
 * so what it costs depends on what is due and not on what is stored.
 */
export async function countDue(sql: Sql, limit: number): Promise<number> {
  const fleet: Kinds = sql`
    ${kindsOf(sql, sql`workers w WHERE w.offline_at IS NULL`)}
    UNION ALL SELECT * FROM (${anyKind(sql)}) AS any_kind WHERE NOT EXISTS (SELECT FROM workers WHERE offline_at IS NULL)`
  const queueOf = (lane: ReturnType<Sql>) => sql`queues q ON q.name = lane_queue(${lane}) COLLATE "C"`
  const [row] = await sql<{ count: number }[]>`
    WITH RECURSIVE ${levels(sql, fleet)}, ${keyedLanes(sql, fleet)}, due (queue) AS MATERIALIZED (
      (SELECT lane_queue(l.lane) FROM (SELECT DISTINCT * FROM (SELECT * FROM level LIMIT ${MAX_LEVELS}) AS few) l
        LEFT JOIN ${queueOf(sql`l.lane`)} CROSS JOIN LATERAL (
          SELECT FROM ready t WHERE ${isClaimable(sql)} AND ${isOfLevel(sql)} AND t.due_at <= now()
          LIMIT least(${limit}::int, q.concurrency, q.rate)
        ) d WHERE q.paused_at IS NULL LIMIT ${limit})
      UNION ALL
      (SELECT lane_queue(l.lane) FROM (SELECT DISTINCT * FROM (SELECT * FROM keyed_lane LIMIT ${MAX_LEVELS}) AS few) l
        LEFT JOIN ${queueOf(sql`l.lane`)} CROSS JOIN LATERAL (
          SELECT k.lane, k.key FROM lane_keys k WHERE routing_key(k.lane) = l.key AND k.ready_at <= now()
          ORDER BY k.ready_at LIMIT ${MAX_LEVELS}
        ) k CROSS JOIN LATERAL (
          SELECT FROM ready t
          WHERE ${isKeyedClaimable(sql)} AND t.lane = k.lane AND t.concurrency_key = k.key AND t.due_at <= now()
          LIMIT least(${limit}::int, q.key_concurrency, q.key_rate)
        ) d WHERE q.paused_at IS NULL LIMIT ${limit})
    )
    SELECT least(${limit}::int, coalesce(sum(greatest(0, least(d.count, q.concurrency - held.count, q.rate))), 0))::int AS count
    FROM (SELECT queue, count(*) AS count FROM due GROUP BY queue) d
    LEFT JOIN queues q ON q.name = d.queue COLLATE "C"
    LEFT JOIN LATERAL (
      SELECT count(*) AS count FROM held h
      WHERE q.concurrency IS NOT NULL AND lane_queue(h.lane) = q.name AND ${countsForQueue(sql)}
    ) held ON true`
  return row?.count ?? 0
}
