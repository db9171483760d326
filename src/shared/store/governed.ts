import { type Capabilities, readLane } from '../core/lane.ts'
import { takeTurns } from '../core/turns.ts'
import type { Sql } from './connect.ts'
import { type ClaimedTask, type ClaimOrder, claimed, claiming } from './dispatch.ts'
import {
  candidate,
  keyedLanes,
  lockKeyed,
  lockKeys,
  noteKeys,
  type Placed,
  type ReadyKey,
} from './lane-keys.ts'
import { isClaimable, isLimited, isOfLevel, kindOf, levels } from './lanes.ts'
import { tellOnce } from './notices.ts'
import { countsForQueue, type LimitedQueue, noteUses, readRooms, usesOf } from './rooms.ts'
import type { Transactions } from './transactions.ts'

/**
 * The claim where queues have limits or tasks have keys. It locks the limited queues and those whose keys it takes from, so
 * that of any number of coordinators one at a time counts what they hold; what others have locked is passed by.
 */

interface Level {
  /** Its routing key. */
  key: string
  lane: string
  priority: number
}

/** Whether anything of these workers' is due that only this claim may take. */
export async function hasGoverned(sql: Sql, can: Capabilities): Promise<boolean> {
  const [row] = await sql<{ found: boolean }[]>`
    WITH RECURSIVE ${levels(sql, kindOf(sql, can))}, ${keyedLanes(sql, kindOf(sql, can))}
    SELECT EXISTS (
      SELECT FROM level l
      WHERE ${isLimited(sql, sql`l.lane`)} AND NOT ${isPaused(sql, sql`l.lane`)}
        AND (SELECT true FROM ready t
          WHERE ${isClaimable(sql)} AND ${isOfLevel(sql)} AND t.due_at <= now() LIMIT 1)
    ) OR EXISTS (
      SELECT FROM keyed_lane l
      WHERE NOT ${isPaused(sql, sql`l.lane`)}
        AND (SELECT true FROM lane_keys k WHERE routing_key(k.lane) = l.key AND k.ready_at <= now() LIMIT 1)
    ) AS found`
  return row?.found ?? false
}

/**
 * Claims for workers that all run the same, with everything that may be claimed for them in one order: see
 * `takeTurns`. Fewer than asked for may be claimed although more is due, when others are at it; look again then.
 */
export function claimGoverned(
  transactions: Transactions,
  workerIds: number[],
  can: Capabilities,
  order: ClaimOrder,
): Promise<ClaimedTask[]> {
  const places = workerIds.length
  return transactions.run(async (sql) => {
    const open = await findOpen(sql, can)
    const queues = await lockQueues(sql, queuesOf(open))
    const isFree = (queue: string) => !open.limited.includes(queue) || queues.has(queue)
    const withKeys = open.keyed.filter((queue) => queues.has(queue))
    const keys = await lockKeys(sql, withKeys, can, places)
    // Only what follows sees all that was committed before the locks were had.
    const rooms = await readRooms(sql, [...queues.values()], keys)
    const lanes = open.levels.filter(({ lane }) => isFree(readLane(lane).queue))
    const candidates = [
      ...(await lockCandidates(sql, lanes, places)),
      ...(await lockKeyed(sql, keys, places, agedOf(order, keys))),
    ]
    const chosen = takeTurns(candidates, { ...order, places, ...rooms })
    if (chosen.length === 0 && keys.length === 0) return []
    const tasks = chosen.length > 0 ? await claimThese(sql, chosen, workerIds) : []
    await noteUses(sql, [...queues.values()], chosen)
    await noteKeys(sql, keys, chosen, rooms.freeAt)
    return tasks
  })
}

const isPaused = (sql: Sql, lane: ReturnType<Sql>) => sql`
  EXISTS (SELECT FROM queues q WHERE q.name = lane_queue(${lane}) COLLATE "C" AND q.paused_at IS NOT NULL)`

/** How many of each key are looked at because they have aged; of many keys fewer each. */
const agedOf = ({ ageingMs, agedPlaces }: ClaimOrder, keys: ReadyKey[]) =>
  ageingMs === null ? 0 : Math.ceil(agedPlaces / Math.max(1, keys.length))

interface Open {
  levels: Level[]
  /** Queues with keys that may be served. */
  keyed: string[]
  /** Those of their queues that have limits. */
  limited: string[]
}

/**
 * Those that one coordinator at a time claims from: that have limits, or keys. Of keys that another serves at the same
 * time the rest would have more than its turn.
 */
const queuesOf = ({ limited, keyed }: Open) => [...new Set([...limited, ...keyed])]

/** What these workers could be given now: levels that have something due, and queues with keys that may be served. */
async function findOpen(sql: Sql, can: Capabilities): Promise<Open> {
  const [found, keyed] = [
    await sql<(Level & { limited: boolean })[]>`
      WITH RECURSIVE ${levels(sql, kindOf(sql, can))}
      SELECT l.key, l.lane, l.priority, ${isLimited(sql, sql`l.lane`)} AS limited FROM level l
      WHERE NOT ${isPaused(sql, sql`l.lane`)}
        AND (SELECT true FROM ready t
          WHERE ${isClaimable(sql)} AND ${isOfLevel(sql)} AND t.due_at <= now() LIMIT 1)`,
    await sql<{ lane: string }[]>`
      WITH RECURSIVE ${keyedLanes(sql, kindOf(sql, can))}
      SELECT l.lane FROM keyed_lane l
      WHERE NOT ${isPaused(sql, sql`l.lane`)}
        AND (SELECT true FROM lane_keys k WHERE routing_key(k.lane) = l.key AND k.ready_at <= now() LIMIT 1)`,
  ]
  const queuesOfAll = (lanes: { lane: string }[]) => [
    ...new Set(lanes.map(({ lane }) => readLane(lane).queue)),
  ]
  return {
    levels: found,
    keyed: queuesOfAll(keyed),
    limited: queuesOfAll(found.filter(({ limited }) => limited)),
  }
}

/** Locks these queues, but for those that another coordinator claims from now, or that were paused meanwhile. */
async function lockQueues(sql: Sql, names: string[]): Promise<Map<string, LimitedQueue>> {
  if (names.length === 0) return new Map()
  const rows = await sql<LimitedQueue[]>`
    SELECT q.name, q.concurrency, q.rate, q.rate_period_ms AS "ratePeriodMs", q.key_concurrency AS "keyConcurrency",
      q.key_rate AS "keyRate", q.key_rate_period_ms AS "keyRatePeriodMs"
    FROM queues q WHERE q.name = ANY(${names}::text[]) AND q.paused_at IS NULL
    ORDER BY q.name FOR NO KEY UPDATE SKIP LOCKED`
  return new Map(rows.map((row) => [row.name, row]))
}

/** The first due tasks of each level, locked. */
async function lockCandidates(sql: Sql, open: Level[], places: number): Promise<Placed[]> {
  if (open.length === 0) return []
  return await sql<Placed[]>`
    SELECT d.* FROM unnest(${open.map(({ key }) => key)}::text[], ${open.map(({ priority }) => priority)}::int[])
      WITH ORDINALITY AS l (key, priority, n)
    CROSS JOIN LATERAL (
      SELECT ${candidate(sql)} FROM ready t
      WHERE ${isClaimable(sql)} AND ${isOfLevel(sql)} AND t.due_at <= now()
      ORDER BY t.due_at, t.task_id LIMIT ${places} FOR UPDATE SKIP LOCKED
    ) d`
}

/** Claims tasks that this transaction has locked: the nth for the nth worker. */
async function claimThese(sql: Sql, chosen: Placed[], workerIds: number[]): Promise<ClaimedTask[]> {
  const tasks = await sql<ClaimedTask[]>`
    WITH due AS MATERIALIZED (
      SELECT d.place::tid AS place, d.n FROM unnest(${chosen.map(({ place }) => place)}::text[]) WITH ORDINALITY AS d (place, n)
    ), ${claiming(sql, workerIds.slice(0, chosen.length), sql`clock_timestamp()`)}
    ${claimed(sql)}`
  return tellOnce(sql, tasks)
}

/**
 * ms until something may be claimed that only `claimGoverned` takes (negative: overdue), or null when nothing may before
 * something else happens: a task ends, a queue is resumed.
 */
export async function msUntilGoverned(sql: Sql, can: Capabilities): Promise<number | null> {
  const [row] = await sql<{ ms: number | null }[]>`
    WITH RECURSIVE ${levels(sql, kindOf(sql, can))}, ${keyedLanes(sql, kindOf(sql, can))}, waiting AS MATERIALIZED (
      SELECT lane_queue(lane) COLLATE "C" AS queue, min(at) AS at FROM (
        SELECT l.lane, (
          SELECT t.due_at FROM ready t WHERE ${isClaimable(sql)} AND ${isOfLevel(sql)}
          ORDER BY t.due_at LIMIT 1
        ) AS at
        FROM level l WHERE ${isLimited(sql, sql`l.lane`)}
        UNION ALL
        SELECT l.lane, (SELECT k.ready_at FROM lane_keys k WHERE routing_key(k.lane) = l.key ORDER BY k.ready_at LIMIT 1)
        FROM keyed_lane l
      ) AS lanes GROUP BY 1
    )
    SELECT (1000 * extract(epoch FROM min(greatest(w.at, clock_timestamp() + coalesce(u.wait_ms, 0) * interval '1 ms'))
      - clock_timestamp()))::float8 AS ms
    FROM waiting w LEFT JOIN queues q ON q.name = w.queue LEFT JOIN LATERAL (
      SELECT r.wait_ms FROM (${usesOf(sql, sql`q.name`, sql`''`, sql`q.rate_period_ms`)}) r WHERE r.used >= q.rate
    ) u ON q.rate IS NOT NULL
    WHERE w.at < 'infinity' AND q.paused_at IS NULL AND (q.concurrency IS NULL OR q.concurrency > (
      SELECT count(*) FROM held h WHERE lane_queue(h.lane) = q.name AND ${countsForQueue(sql)}))`
  return row?.ms ?? null
}
