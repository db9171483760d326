import type { TaskState } from '../core/task.ts'
import type { Sql } from './connect.ts'
import type { ReadyKey } from './lane-keys.ts'
import { isClaimable, isKeyedClaimable, isLimited, isOfLevel, isRunBy, kindsOf, levels } from './lanes.ts'
import { countsForQueue, type LimitedQueue, readRooms } from './rooms.ts'

/** What decides whether a task that nobody holds is claimed: by the predicates of the claim itself. */
export interface WaitFacts {
  /** ms until it is due by the database's clock; negative: it has been for so long. */
  dueInMs: number
  /** Tasks it depends on that have not ended, LISTED at most. */
  parents: { id: string; key: string | null; state: TaskState | null }[]
  queue: (LimitedQueue & { pausedAt: Date | null; pausedBy: string | null; held: number }) | null
  /** How many more its queue, and its key, may give; Infinity without a limit. */
  room: number
  keyRoom: number
  /** ms until the oldest claim no longer counts for a rate that is used up. */
  rateWaitMs: number
  keyRateWaitMs: number
  /** Tasks of its key that workers hold, LISTED at most. */
  keyHolders: string[]
  workers: WorkerFacts
  /** Due tasks that go first, up to AHEAD_LIMIT of each lane and priority. */
  ahead: number
}

export interface WorkerFacts {
  /** Live ones. */
  live: number
  /** Of them those that have its executor, or handler. */
  withNeed: number
  /** Of them those that have its labels, too. */
  able: number
  /** Of them those that take new tasks. */
  open: number
  /** Slots of those, and how many of them have work. */
  slots: number
  busy: number
}

interface WaitingTask {
  id: string
  lane: string
  queue: string
  concurrencyKey: string | null
  priority: number
}

const LISTED = 10
export const AHEAD_LIMIT = 10_000

/** @returns null when no such task is pending */
export async function findWaitFacts(
  sql: Sql,
  id: string,
  { silenceMs }: { silenceMs: number },
): Promise<WaitFacts | null> {
  const [row] = await sql<
    (WaitingTask &
      Pick<WaitFacts, 'dueInMs' | 'parents' | 'keyHolders' | 'workers'> & { limits: WaitFacts['queue'] })[]
  >`
    WITH able AS MATERIALIZED (
      SELECT w.id, w.slots, w.draining,
        lane_need(t.lane) = ANY(w.executors) AS has_need, ${isRunBy(sql, sql`t.lane`)} AS runs
      FROM tasks t CROSS JOIN workers w WHERE t.id = ${id} AND ${isLive(sql, silenceMs)}
    )
    SELECT t.id, t.lane, lane_queue(t.lane) AS queue, t.concurrency_key AS "concurrencyKey", t.priority,
      (1000 * extract(epoch FROM t.due_at - clock_timestamp()))::float8 AS "dueInMs",
      ARRAY(
        SELECT jsonb_build_object('id', d.depends_on, 'key', p.workflow_key, 'state', p.state)
        FROM dependencies d LEFT JOIN tasks p ON p.id = d.depends_on
        WHERE d.task_id = t.id AND d.resolved_at IS NULL ORDER BY d.depends_on LIMIT ${LISTED}
      ) AS parents,
      (SELECT jsonb_build_object('name', q.name, 'pausedAt', q.paused_at, 'pausedBy', q.paused_by,
          'concurrency', q.concurrency, 'rate', q.rate, 'ratePeriodMs', q.rate_period_ms,
          'keyConcurrency', q.key_concurrency, 'keyRate', q.key_rate, 'keyRatePeriodMs', q.key_rate_period_ms,
          'held', (SELECT count(*) FROM held h WHERE lane_queue(h.lane) = q.name AND ${countsForQueue(sql)}))
        FROM queues q WHERE q.name = lane_queue(t.lane) COLLATE "C" AND q.limited) AS limits,
      ARRAY(
        SELECT h.task_id FROM held h
        WHERE lane_queue(h.lane) = lane_queue(t.lane) AND h.concurrency_key = t.concurrency_key AND ${countsForQueue(sql)}
        ORDER BY h.task_id LIMIT ${LISTED}
      ) AS "keyHolders",
      (SELECT jsonb_build_object('live', count(*), 'withNeed', count(*) FILTER (WHERE has_need),
          'able', count(*) FILTER (WHERE runs), 'open', count(*) FILTER (WHERE runs AND NOT draining),
          'slots', coalesce(sum(slots) FILTER (WHERE runs AND NOT draining), 0),
          'busy', coalesce(sum(least(slots, (
            SELECT count(*) FROM held h WHERE h.worker_id = able.id
          ))) FILTER (WHERE runs AND NOT draining), 0))
        FROM able) AS workers
    FROM tasks t WHERE t.id = ${id} AND t.state = 'pending'`
  if (!row) return null
  const { id: _, lane, queue, concurrencyKey, priority, limits, ...facts } = row
  const keys: ReadyKey[] = concurrencyKey === null ? [] : [{ lane, key: concurrencyKey, queue }]
  const [rooms, ahead] = await Promise.all([
    readRooms(sql, limits ? [limits] : [], keys),
    countAhead(sql, row, silenceMs),
  ])
  return {
    ...facts,
    queue: limits && { ...limits, pausedAt: limits.pausedAt && new Date(limits.pausedAt) },
    room: rooms.roomOf(queue),
    keyRoom: concurrencyKey === null ? Number.POSITIVE_INFINITY : rooms.keyRoomOf(queue, concurrencyKey),
    rateWaitMs: rooms.rateWaitMs(queue, null),
    keyRateWaitMs: concurrencyKey === null ? 0 : rooms.rateWaitMs(queue, concurrencyKey),
    ahead,
  }
}

const isLive = (sql: Sql, silenceMs: number) => sql`
  w.offline_at IS NULL AND w.last_seen_at >= now() - ${silenceMs} * interval '1 ms'`

/** Due tasks that go before a task: of its key, or of all lanes that some worker of its own runs. */
async function countAhead(sql: Sql, task: WaitingTask, silenceMs: number): Promise<number> {
  const { id, lane, concurrencyKey, priority } = task
  const isBefore = sql`(t.priority > ${priority} OR (t.due_at, t.task_id) < (SELECT o.due_at, o.id FROM task_records o WHERE o.id = ${id}))`
  const able = kindsOf(
    sql,
    sql`workers w WHERE ${isLive(sql, silenceMs)} AND ${isRunBy(sql, sql`${lane}::text`)}`,
  )
  const [row] =
    concurrencyKey === null
      ? await sql<{ count: number }[]>`
          WITH RECURSIVE ${levels(sql, able)}
          SELECT coalesce(sum(d.count), 0)::bigint AS count FROM (SELECT DISTINCT * FROM level) l CROSS JOIN LATERAL (
            SELECT count(*) FROM (
              SELECT FROM ready t
              WHERE ${isClaimable(sql)} AND ${isOfLevel(sql)} AND t.due_at <= now() AND ${isBefore}
              LIMIT ${AHEAD_LIMIT}
            ) AS few
          ) d
          WHERE l.priority >= ${priority} AND (l.lane = ${lane} OR NOT ${isLimited(sql, sql`l.lane`)})`
      : await sql<{ count: number }[]>`
          SELECT count(*) FROM (
            SELECT FROM ready t
            WHERE ${isKeyedClaimable(sql)} AND t.lane = ${lane} AND t.concurrency_key = ${concurrencyKey}
              AND t.priority >= ${priority} AND t.due_at <= now() AND ${isBefore}
            LIMIT ${AHEAD_LIMIT}
          ) AS few`
  return row?.count ?? 0
}
