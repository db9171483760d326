import { QUEUES_CHANNEL } from './channel.ts'
import type { Sql } from './connect.ts'
import { anyKind, isClaimable, isKeyedClaimable, isOfLevel, kindsOf, levels } from './lanes.ts'
import { countsForQueue } from './rooms.ts'

/** What is allowed of a queue, and of each of its keys; null: no such limit. */
export interface QueueLimits {
  /** Tasks that workers hold at once. */
  concurrency: number | null
  /** Claims in any span of `ratePeriodMs`. */
  rate: number | null
  ratePeriodMs: number | null
  keyConcurrency: number | null
  keyRate: number | null
  keyRatePeriodMs: number | null
}

export const UNLIMITED: QueueLimits = {
  concurrency: null,
  rate: null,
  ratePeriodMs: null,
  keyConcurrency: null,
  keyRate: null,
  keyRatePeriodMs: null,
}

export interface Queue extends QueueLimits {
  name: string
  pausedAt: Date | null
  pausedBy: string | null
  createdAt: Date
  /** Tasks that workers hold. */
  held: number
  /** Tasks that could be claimed but for limits and workers, up to COUNT_LIMIT of each lane and priority, of LEVEL_LIMIT. */
  due: number
}

const COUNT_LIMIT = 1000
/** Lanes and priorities that are looked into: first those that workers run, then others. */
const LEVEL_LIMIT = 10_000
/** Queues that are listed, the first by name. */
export const MAX_LISTED = 1000

/** Whether some queue has limits, or tasks with keys wait: then claims have to look further than `claimTasks` does. */
export async function isGoverned(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ governed: boolean }[]>`
    SELECT EXISTS (SELECT FROM queues WHERE limited) OR EXISTS (SELECT FROM lane_keys) AS governed`
  return row?.governed ?? false
}

const columns = (sql: Sql) => sql`
  q.name, q.paused_at AS "pausedAt", q.paused_by AS "pausedBy", q.concurrency, q.rate,
  q.rate_period_ms AS "ratePeriodMs", q.key_concurrency AS "keyConcurrency", q.key_rate AS "keyRate",
  q.key_rate_period_ms AS "keyRatePeriodMs", q.created_at AS "createdAt"`

/** The queues by name, with what is in each now. */
export function listQueues(sql: Sql, name: string | null = null, limit = MAX_LISTED): Promise<Queue[]> {
  return sql<Queue[]>`
    WITH RECURSIVE ${levels(sql, sql`${kindsOf(sql, sql`workers w WHERE w.offline_at IS NULL`)} UNION ALL ${anyKind(sql)}`)}, listed AS MATERIALIZED (
      SELECT * FROM queues q WHERE ${name === null ? sql`true` : sql`q.name = ${name}`} ORDER BY q.name LIMIT ${limit}
    ), due AS MATERIALIZED (
      SELECT lane_queue(l.lane) COLLATE "C" AS queue, sum(d.count) AS count
      FROM (SELECT DISTINCT * FROM (SELECT * FROM level LIMIT ${LEVEL_LIMIT}) AS first) l CROSS JOIN LATERAL (
        SELECT count(*) FROM (
          SELECT FROM ready t
          WHERE ${isClaimable(sql)} AND ${isOfLevel(sql)} AND t.due_at <= now()
          LIMIT ${COUNT_LIMIT}
        ) AS few
      ) d GROUP BY 1
    )
    SELECT ${columns(sql)}, (CASE q.name
        WHEN 'default' THEN (SELECT count(*) FROM held h WHERE lane_queue(h.lane) = 'default')
        ELSE (SELECT count(*) FROM held h WHERE lane_queue(h.lane) = q.name AND ${countsForQueue(sql)}) END) AS held,
      coalesce((SELECT d.count FROM due d WHERE d.queue = q.name), 0)::bigint + (
        SELECT count(*) FROM (
          SELECT FROM lane_keys k CROSS JOIN LATERAL (
            SELECT FROM ready t
            WHERE ${isKeyedClaimable(sql)} AND t.lane = k.lane AND t.concurrency_key = k.key AND t.due_at <= now()
            LIMIT ${COUNT_LIMIT}
          ) t WHERE k.queue = q.name LIMIT ${COUNT_LIMIT}
        ) AS few
      ) AS due
    FROM listed q ORDER BY q.name`
}

/** Sets those limits of a queue, known or not, that are given; null lifts one, what is left out stays as it is. */
export async function limitQueue(sql: Sql, name: string, limits: Partial<QueueLimits>): Promise<void> {
  const { concurrency, rate, ratePeriodMs, keyConcurrency, keyRate, keyRatePeriodMs } = {
    ...UNLIMITED,
    ...limits,
  }
  const isGiven = (limit: keyof QueueLimits) => limits[limit] !== undefined
  await sql`
    WITH set AS (
      INSERT INTO queues AS q (name, concurrency, rate, rate_period_ms, key_concurrency, key_rate, key_rate_period_ms)
      VALUES (${name}, ${concurrency}, ${rate}, ${ratePeriodMs}, ${keyConcurrency}, ${keyRate}, ${keyRatePeriodMs})
      ON CONFLICT (name) DO UPDATE SET
        concurrency = CASE WHEN ${isGiven('concurrency')} THEN excluded.concurrency ELSE q.concurrency END,
        rate = CASE WHEN ${isGiven('rate')} THEN excluded.rate ELSE q.rate END,
        rate_period_ms = CASE WHEN ${isGiven('rate')} THEN excluded.rate_period_ms ELSE q.rate_period_ms END,
        key_concurrency = CASE WHEN ${isGiven('keyConcurrency')} THEN excluded.key_concurrency ELSE q.key_concurrency END,
        key_rate = CASE WHEN ${isGiven('keyRate')} THEN excluded.key_rate ELSE q.key_rate END,
        key_rate_period_ms = CASE WHEN ${isGiven('keyRate')} THEN excluded.key_rate_period_ms ELSE q.key_rate_period_ms END,
        updated_at = now()
      RETURNING name
    ), ${freed(sql)}
    SELECT notify_hint(${QUEUES_CHANNEL}, '') FROM set`
}

/**
 * Nothing of a paused queue is claimed; what is held goes on.
 *
 * @returns whether it was not paused before
 */
export async function pauseQueue(sql: Sql, name: string, by: string | null): Promise<boolean> {
  const rows = await sql`
    WITH set AS (
      INSERT INTO queues AS q (name, paused_at, paused_by) VALUES (${name}, now(), ${by})
      ON CONFLICT (name) DO UPDATE SET paused_at = now(), paused_by = excluded.paused_by, updated_at = now()
        WHERE q.paused_at IS NULL
      RETURNING name
    )
    SELECT notify_hint(${QUEUES_CHANNEL}, '') FROM set`
  return rows.length > 0
}

/** @returns whether it was paused before */
export async function resumeQueue(sql: Sql, name: string): Promise<boolean> {
  const rows = await sql`
    WITH set AS (
      UPDATE queues q SET paused_at = NULL, paused_by = NULL, updated_at = now()
      WHERE q.name = ${name} AND q.paused_at IS NOT NULL RETURNING name
    ), ${freed(sql)}
    SELECT notify_hint(${QUEUES_CHANNEL}, '') FROM set`
  return rows.length > 0
}

/** The CTE `freed`: under other limits the keys of the queue in `set` may be served at once. */
const freed = (sql: Sql) => sql`
  freed AS (
    UPDATE lane_keys k SET ready_at = now() FROM set WHERE k.queue = set.name AND k.ready_at > now()
  )`

/** Forgets claims that no longer count for any rate: of queues and keys that are not used any more. */
export async function forgetUses(sql: Sql): Promise<void> {
  await sql`
    DELETE FROM rate_uses u USING (
      SELECT old.queue, old.key, old.until FROM rate_uses old LEFT JOIN queues q ON q.name = old.queue
      WHERE old.until < now() - coalesce(greatest(q.rate_period_ms, q.key_rate_period_ms), 0) * interval '1 ms'
      LIMIT 10000
    ) AS old
    WHERE u.queue = old.queue AND u.key = old.key AND u.until = old.until`
}
