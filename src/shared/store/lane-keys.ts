import type { Capabilities } from '../core/lane.ts'
import type { Candidate } from '../core/turns.ts'
import type { Sql } from './connect.ts'
import { isKeyedClaimable, type Kinds, kindOf, whereNext } from './lanes.ts'
import type { Rooms } from './rooms.ts'

/** Keys that have tasks waiting, and whose turn it is: the table lane_keys. */

/** A candidate, and where its row of `ready` is, which this transaction has locked. */
export type Placed = Candidate & { place: string }

export interface ReadyKey {
  lane: string
  key: string
  queue: string
}

/**
 * The recursive CTEs `keyed_lane (key, lane)`: each lane that some key waits in and such workers run, one look into
 * lane_keys_ready each, as `levels` walks. Of several kinds a lane comes once for each that runs it.
 */
export const keyedLanes = (sql: Sql, kinds: Kinds) => {
  const next = (from: ReturnType<Sql>) => sql`
    SELECT routing_key(k.lane), k.lane FROM lane_keys k WHERE routing_key(k.lane) >= ${from}
    ORDER BY routing_key(k.lane) LIMIT 1`
  return sql`
  keyed_kind (needs, labels) AS MATERIALIZED (${kinds}),
  keyed_visited (key, lane, needs, labels, runs) AS (
    SELECT v.*, c.needs, c.labels, runs_routing_key(v.key, c.needs, c.labels) FROM keyed_kind c CROSS JOIN LATERAL (
      ${next(sql`next_routing_key('', c.needs, c.labels)`)}
    ) AS v (key, lane)
    UNION ALL
    SELECT n.*, v.needs, v.labels, runs_routing_key(n.key, v.needs, v.labels) FROM keyed_visited v CROSS JOIN LATERAL (
      ${next(whereNext(sql, sql`v`))}
    ) AS n (key, lane)
  ), keyed_lane AS (SELECT key, lane FROM keyed_visited WHERE runs)`
}

/**
 * Locks the keys of these queues that these workers may serve now, of each lane those whose turn is next. What others
 * have locked is passed by: their tasks are being inserted or settled now. The queues have to be locked before, so that
 * this sees all turns that were taken.
 *
 * @param limit of each lane
 */
export async function lockKeys(
  sql: Sql,
  queues: string[],
  can: Capabilities,
  limit: number,
): Promise<ReadyKey[]> {
  if (queues.length === 0) return []
  return await sql<ReadyKey[]>`
    WITH RECURSIVE ${keyedLanes(sql, kindOf(sql, can))}
    SELECT k.lane, k.key, k.queue FROM keyed_lane l CROSS JOIN LATERAL (
      SELECT k.lane, k.key, k.queue, k.ready_at FROM lane_keys k
      WHERE routing_key(k.lane) = l.key AND k.ready_at <= statement_timestamp()
      ORDER BY k.ready_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
    ) k
    WHERE lane_queue(l.lane) = ANY(${queues}::text[])
    ORDER BY k.lane, k.ready_at`
}

const unnestKeys = (sql: Sql, keys: ReadyKey[]) => sql`
  unnest(${keys.map(({ queue }) => queue)}::text[], ${keys.map(({ key }) => key)}::text[],
    ${keys.map(({ lane }) => lane)}::text[]) WITH ORDINALITY AS r (queue, key, lane, n)`

/** The CTE `level (lane, key, n, priority)`: each priority of the tasks of the keys `(lane, key, n)` of another. */
const keyLevels = (sql: Sql, keys: ReturnType<Sql>) => sql`
  level (lane, key, n, priority) AS (
      SELECT s.lane, s.key, s.n, p.priority FROM ${keys} s CROSS JOIN LATERAL (
        SELECT t.priority FROM ready t WHERE ${isKeyedClaimable(sql)} AND t.lane = s.lane AND t.concurrency_key = s.key
        ORDER BY t.priority DESC LIMIT 1
      ) p
      UNION ALL
      SELECT l.lane, l.key, l.n, p.priority FROM level l CROSS JOIN LATERAL (
        SELECT t.priority FROM ready t
        WHERE ${isKeyedClaimable(sql)} AND t.lane = l.lane AND t.concurrency_key = l.key AND t.priority < l.priority
        ORDER BY t.priority DESC LIMIT 1
      ) p
  )`

/**
 * The first due tasks of each key, locked: by priority, then by due time. Of many keys fewer each.
 *
 * @param aged how many more of each key, those that have been due the longest: whatever comes with a higher priority,
 *   they are not passed by for ever
 */
export async function lockKeyed(sql: Sql, keys: ReadyKey[], places: number, aged: number): Promise<Placed[]> {
  if (keys.length === 0) return []
  const each = Math.ceil(places / keys.length)
  return await sql<Placed[]>`
    WITH RECURSIVE served AS MATERIALIZED (SELECT * FROM ${unnestKeys(sql, keys)}), ${keyLevels(sql, sql`served`)}, found AS MATERIALIZED (
      SELECT d.*, l.n FROM level l CROSS JOIN LATERAL (
        SELECT ${candidate(sql)} FROM ready t
        WHERE ${isKeyedClaimable(sql)} AND t.lane = l.lane AND t.concurrency_key = l.key AND t.priority = l.priority
          AND t.due_at <= now()
        ORDER BY t.due_at, t.task_id LIMIT ${each} FOR UPDATE SKIP LOCKED
      ) d
    )
    SELECT id, place, lane, queue, priority, "waitedMs", key FROM (
      SELECT *, row_number() OVER (PARTITION BY n ORDER BY priority DESC, "waitedMs" DESC, id) AS turn,
        row_number() OVER (PARTITION BY n ORDER BY "waitedMs" DESC, id) AS age
      FROM found
    ) AS numbered WHERE turn <= ${each} OR age <= ${aged} ORDER BY n, turn`
}

/** What `takeTurns` has to know of row `t` of `ready`, and where that is. */
export const candidate = (sql: Sql) => sql`
  t.task_id AS id, t.ctid::text AS place, t.lane, lane_queue(t.lane) AS queue, t.priority, (1000 * extract(epoch FROM now() - t.due_at))::float8 AS "waitedMs",
  t.concurrency_key AS key`

/** Notes from when the keys that this claim has locked may be served again; those for which nothing waits are forgotten. */
export async function noteKeys(
  sql: Sql,
  keys: ReadyKey[],
  chosen: Candidate[],
  freeAt: Rooms['freeAt'],
): Promise<void> {
  if (keys.length === 0) return
  const taken = new Map<string, number>()
  for (const { queue, key } of chosen) {
    if (key !== null) taken.set(`${queue}/${key}`, (taken.get(`${queue}/${key}`) ?? 0) + 1)
  }
  // Whose turn came last comes last again: the nth of so many, from 1.
  const turns = new Map(chosen.map(({ lane, key }, n) => [`${lane}/${key}`, n + 1]))
  const free = keys.map(({ queue, key }) => freeAt(queue, key, taken.get(`${queue}/${key}`) ?? 0))
  await sql`
    WITH RECURSIVE noted AS MATERIALIZED (
      SELECT r.* FROM unnest(${keys.map(({ queue }) => queue)}::text[], ${keys.map(({ key }) => key)}::text[],
        ${keys.map(({ lane }) => lane)}::text[], ${keys.map(({ lane, key }) => turns.get(`${lane}/${key}`) ?? 0)}::int[],
        ${free.map(({ never }) => (never ? 1 : 0))}::int[], ${free.map(({ waitMs }) => waitMs)}::float8[])
        WITH ORDINALITY AS r (queue, key, lane, turn, never, wait_ms, n)
    ), ${keyLevels(sql, sql`noted`)}, given AS MATERIALIZED (
      -- In place of a join: each key has one row with what is noted of it, and one for each priority that waits.
      SELECT max(queue) AS queue, max(key) AS key, max(lane) AS lane, max(turn) AS turn, max(never) AS never,
        max(wait_ms) AS wait_ms, min(due_at) AS next_due
      FROM (
        SELECT n, queue, key, lane, turn, never, wait_ms, NULL::timestamptz AS due_at FROM noted
        UNION ALL
        SELECT l.n, NULL, NULL, NULL, NULL, NULL, NULL, next.due_at FROM level l CROSS JOIN LATERAL (
          SELECT t.due_at FROM ready t
          WHERE ${isKeyedClaimable(sql)} AND t.lane = l.lane AND t.concurrency_key = l.key AND t.priority = l.priority
          ORDER BY t.due_at LIMIT 1
        ) next
      ) AS parts GROUP BY n
    ), emptied AS (
      DELETE FROM lane_keys k USING given g
      WHERE k.queue = g.queue AND k.key = g.key AND k.lane = g.lane AND g.next_due IS NULL
    )
    UPDATE lane_keys k SET ready_at = CASE WHEN g.never = 1 THEN 'infinity' ELSE greatest(g.next_due,
      CASE WHEN g.wait_ms > 0 THEN clock_timestamp() + g.wait_ms * interval '1 ms'
        WHEN g.turn > 0 THEN statement_timestamp() - (${chosen.length} - g.turn) * interval '1 microsecond'
        ELSE k.ready_at END) END
    FROM given g
    WHERE k.queue = g.queue AND k.key = g.key AND k.lane = g.lane AND g.next_due IS NOT NULL`
}
