import type { Candidate } from '../core/turns.ts'
import type { Sql } from './connect.ts'
import type { ReadyKey } from './lane-keys.ts'

/** How much of queues and of their keys may be claimed: what is held, and what was claimed in the latest period. */

/** A queue that has limits, locked by this claim. */
export interface LimitedQueue {
  name: string
  concurrency: number | null
  rate: number | null
  ratePeriodMs: number | null
  keyConcurrency: number | null
  keyRate: number | null
  keyRatePeriodMs: number | null
}

export interface Rooms {
  roomOf(queue: string): number
  keyRoomOf(queue: string, key: string): number
  /** ms until a rate that is used up, of a queue or of one of its keys, lets more through; 0 when it does now. */
  rateWaitMs(queue: string, key: string | null): number
  /** When a key that is given no more has room again: `taken` of it were just chosen. */
  freeAt(queue: string, key: string, taken: number): { never: boolean; waitMs: number }
}

/** How much room the limited queues and the keys have. */
export async function readRooms(sql: Sql, queues: LimitedQueue[], keys: ReadyKey[]): Promise<Rooms> {
  const byName = new Map(queues.map((queue) => [queue.name, queue]))
  const limitedKeys = keys.filter(({ queue }) => {
    const limits = byName.get(queue)
    return limits && (limits.keyConcurrency !== null || limits.keyRate !== null)
  })
  const asked = [
    ...queues
      .filter(({ concurrency, rate }) => concurrency !== null || rate !== null)
      .map(({ name, ratePeriodMs }) => ({ queue: name, key: null, periodMs: ratePeriodMs })),
    ...limitedKeys.map(({ queue, key }) => ({
      ...{ queue, key },
      periodMs: byName.get(queue)?.keyRatePeriodMs ?? null,
    })),
  ]
  const uses = new Map<string, { held: number; used: number; waitMs: number }>()
  const nameOf = (queue: string, key: string | null) => `${queue}/${key ?? ''}`
  if (asked.length > 0) {
    const rows = await sql<
      { queue: string; key: string | null; held: number; used: number; waitMs: number }[]
    >`
      SELECT r.queue, r.key,
        CASE WHEN r.key IS NULL
          THEN (SELECT count(*) FROM held h WHERE lane_queue(h.lane) = r.queue AND ${countsForQueue(sql)})
          ELSE (SELECT count(*) FROM held h
            WHERE lane_queue(h.lane) = r.queue AND h.concurrency_key = r.key AND ${countsForQueue(sql)}) END AS held,
        coalesce(u.used, 0) AS used, coalesce(u.wait_ms, 0) AS "waitMs"
      FROM unnest(${asked.map(({ queue }) => queue)}::text[], ${asked.map(({ key }) => key)}::text[],
        ${asked.map(({ periodMs }) => periodMs)}::int[]) AS r (queue, key, period_ms)
      LEFT JOIN LATERAL (${usesOf(sql, sql`r.queue`, sql`coalesce(r.key, '')`, sql`r.period_ms`)}) u ON r.period_ms IS NOT NULL`
    for (const row of rows) uses.set(nameOf(row.queue, row.key), row)
  }
  const room = (name: string, concurrency: number | null, rate: number | null) => {
    const { held, used } = uses.get(name) ?? { held: 0, used: 0 }
    return Math.max(0, Math.min((concurrency ?? Infinity) - held, (rate ?? Infinity) - used))
  }
  return {
    roomOf(queue) {
      const limits = byName.get(queue)
      return limits ? room(nameOf(queue, null), limits.concurrency, limits.rate) : Infinity
    },
    keyRoomOf(queue, key) {
      const limits = byName.get(queue)
      return limits ? room(nameOf(queue, key), limits.keyConcurrency, limits.keyRate) : Infinity
    },
    rateWaitMs(queue, key) {
      const limits = byName.get(queue)
      const rate = key === null ? limits?.rate : limits?.keyRate
      const use = uses.get(nameOf(queue, key))
      return rate != null && use && use.used >= rate ? use.waitMs : 0
    },
    freeAt(queue, key, taken) {
      const limits = byName.get(queue)
      const use = uses.get(nameOf(queue, key))
      if (!limits || !use) return { never: false, waitMs: 0 }
      if (limits.keyConcurrency !== null && use.held + taken >= limits.keyConcurrency) {
        return { never: true, waitMs: 0 }
      }
      const isRateFull = limits.keyRate !== null && use.used + taken >= limits.keyRate
      return { never: false, waitMs: isRateFull ? use.waitMs || (limits.keyRatePeriodMs ?? 0) : 0 }
    },
  }
}

/** That row `h` of `held` counts against its queue: the predicate of the index held_governed. */
export const countsForQueue = (sql: Sql) => sql`is_governed(h.lane, h.concurrency_key)`

/** How many claims count in the period that ends now, and how long until the first of them counts no more. */
export const usesOf = (
  sql: Sql,
  queue: ReturnType<Sql>,
  key: ReturnType<Sql>,
  periodMs: ReturnType<Sql>,
) => sql`
  SELECT sum(u.count) AS used,
    1000 * extract(epoch FROM min(u.until) + ${periodMs} * interval '1 ms' - clock_timestamp())::float8 AS wait_ms
  FROM rate_uses u
  WHERE u.queue = ${queue} AND u.key = ${key} AND u.until > clock_timestamp() - ${periodMs} * interval '1 ms'`

/** How many spans a period is counted in. */
const SPANS = 50

/** Notes what was claimed where there is a rate, and forgets what counts no more. */
export async function noteUses(sql: Sql, queues: LimitedQueue[], chosen: Candidate[]): Promise<void> {
  const counts = new Map<string, { queue: string; key: string; periodMs: number; count: number }>()
  const byName = new Map(queues.map((queue) => [queue.name, queue]))
  const note = (queue: string, key: string, periodMs: number | null) => {
    if (periodMs === null) return
    const name = `${queue}/${key}`
    const known = counts.get(name) ?? { queue, key, periodMs, count: 0 }
    counts.set(name, { ...known, count: known.count + 1 })
  }
  for (const { queue, key } of chosen) {
    const limits = byName.get(queue)
    if (!limits) continue
    note(queue, '', limits.ratePeriodMs)
    if (key !== null) note(queue, key, limits.keyRatePeriodMs)
  }
  const uses = [...counts.values()]
  if (uses.length === 0) return
  await sql`
    WITH used AS MATERIALIZED (
      SELECT r.queue, r.key, r.count, r.period_ms, greatest(r.period_ms / ${SPANS}, 1) AS span
      FROM unnest(${uses.map(({ queue }) => queue)}::text[], ${uses.map(({ key }) => key)}::text[],
        ${uses.map(({ count }) => count)}::int[], ${uses.map(({ periodMs }) => periodMs)}::int[]) AS r (queue, key, count, period_ms)
    ), forgotten AS (
      DELETE FROM rate_uses u USING used r
      WHERE u.queue = r.queue AND u.key = r.key AND u.until <= clock_timestamp() - r.period_ms * interval '1 ms'
    )
    INSERT INTO rate_uses AS u (queue, key, until, count)
    SELECT r.queue, r.key,
      to_timestamp(ceil(extract(epoch FROM clock_timestamp()) * 1000 / r.span) * r.span / 1000), r.count FROM used r
    ON CONFLICT (queue, key, until) DO UPDATE SET count = u.count + excluded.count`
}
