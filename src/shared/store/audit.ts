import { TASK_STATES, type TaskState } from '../core/task.ts'
import type { Sql } from './connect.ts'
import { isClaimable, isLimited, isOfLevel, kindsOf, levels } from './lanes.ts'

export interface AuditOptions {
  /** ms of silence after which a worker is gone. */
  silenceMs: number
  /** ms more that somebody may take to notice a lost worker, and a worker to stop what it is to stop. */
  graceMs: number
}

export interface UnstartedWorker {
  id: number
  name: string
  /** Tasks that it has and has not started. */
  assigned: number
  freeSlots: number
  /** Epoch ms at which the oldest of them was assigned, and how many ms ago that was. */
  since: number
  waitedMs: number
  /** Tasks that it has ever completed: while this rises, it works. */
  completed: number
}

export interface AuditFacts {
  /** By the database's clock. */
  at: Date
  /** Tasks held now; what is said of them is of HELD_LIMIT at most. */
  held: number
  /** Held for longer than a lease by workers that are not there. */
  orphanedTasks: number
  /** Running long after the end of their time, or after they were asked to stop. */
  overdueStops: number
  overfullWorkers: { id: number; name: string; running: number; slots: number }[]
  /** Live workers with free slots that have started nothing since the oldest task that waits in them was assigned. */
  unstartedWorkers: UnstartedWorker[]
  /** Live workers that hold nothing and take new tasks. */
  idleWorkers: number
  /**
   * ms that the task which is due the longest waits, of those that a live worker runs and no limit of a queue
   * concerns; null when none is due.
   */
  overdueMs: number | null
  /** What is kept in counts, and what the table says; null where it was not counted. */
  counters: Record<TaskState, { kept: number; counted: number | null }>
}

/** How many held tasks are looked at; a hundred workers hold about half of that at most. */
export const HELD_LIMIT = 100_000
/** With more tasks than this the ended and the waiting ones are not counted. */
export const SMALL_TABLE = 10_000

type Row = Omit<AuditFacts, 'counters'> & {
  kept: Partial<Record<TaskState, number>>
  counted: Partial<Record<TaskState, number>> | null
}

/** Compares what should be with what is, all of one instant, in one statement; see `auditQuery`. */
export async function auditTasks(sql: Sql, options: AuditOptions): Promise<AuditFacts> {
  const [row] = await sql<[Row & { assigned: number; running: number }]>`${auditQuery(sql, options)}`
  const { kept, counted, assigned, running, ...facts } = row
  const isAllHeld = facts.held <= HELD_LIMIT
  const known: Partial<Record<TaskState, number>> = {
    ...(counted && Object.fromEntries(TASK_STATES.map((state) => [state, counted[state] ?? 0]))),
    ...(isAllHeld && { assigned, running }),
  }
  const counters = Object.fromEntries(
    TASK_STATES.map((state) => [state, { kept: kept[state] ?? 0, counted: known[state] ?? null }]),
  ) as AuditFacts['counters']
  return { ...facts, counters }
}

/**
 * Reads what workers hold (table held), the workers, the kept counts and the first due task of each
 * priority. Only a small table is counted; whatever ended long ago is otherwise never looked at.
 */
export function auditQuery(sql: Sql, { silenceMs, graceMs }: AuditOptions) {
  const patience = sql`${silenceMs + graceMs} * interval '1 ms'`
  const grace = sql`${graceMs} * interval '1 ms'`
  return sql`
    WITH RECURSIVE in_flight AS MATERIALIZED (
      SELECT h.worker_id, h.started_at IS NOT NULL AS is_running, h.picked_at, h.started_at,
        h.started_at + t.timeout_ms * interval '1 ms' AS stop_at,
        greatest(t.cancel_requested_at, h.picked_at) + t.cancel_grace_ms * interval '1 ms' AS hard_stop_at,
        t.cancel_requested_at, t.cancel_grace_ms
      FROM (SELECT * FROM held ORDER BY task_id LIMIT ${HELD_LIMIT + 1}) h JOIN task_records t ON t.id = h.task_id
    ), holder AS MATERIALIZED (
      SELECT worker_id, count(*) AS holding, count(*) FILTER (WHERE is_running) AS running,
        count(*) FILTER (WHERE picked_at < now() - ${patience}) AS long_held,
        min(picked_at) FILTER (WHERE NOT is_running) AS waiting_since, max(started_at) AS last_start
      FROM in_flight GROUP BY worker_id
    ), live AS MATERIALIZED (
      SELECT w.id, w.name, w.slots, w.draining, w.executors, w.labels FROM workers w
      WHERE w.offline_at IS NULL AND w.last_seen_at >= now() - ${silenceMs} * interval '1 ms'
    ), ${levels(sql, kindsOf(sql, sql`live w WHERE NOT w.draining`))}, kept AS MATERIALIZED (
      SELECT name, value FROM current_counts WHERE name = ANY(${[...TASK_STATES]}::text[])
    ), few AS MATERIALIZED (
      SELECT t.state FROM tasks t
      WHERE (SELECT coalesce(sum(value), 0) FROM kept) <= ${SMALL_TABLE} LIMIT ${SMALL_TABLE + 1}
    )
    SELECT now() AS at,
      (SELECT count(*) FROM in_flight) AS held,
      (SELECT count(*) FROM in_flight WHERE NOT is_running) AS assigned,
      (SELECT count(*) FROM in_flight WHERE is_running) AS running,
      (SELECT coalesce(sum(h.long_held), 0)::bigint FROM holder h
        WHERE h.long_held > 0 AND NOT EXISTS (
          SELECT FROM workers w WHERE w.id = h.worker_id AND coalesce(w.offline_at, w.last_seen_at) >= now() - ${patience}
        )) AS "orphanedTasks",
      (SELECT count(*) FROM in_flight
        WHERE is_running AND least(stop_at + cancel_grace_ms * interval '1 ms',
          CASE WHEN cancel_requested_at IS NOT NULL THEN hard_stop_at END) < now() - ${grace}) AS "overdueStops",
      (SELECT coalesce(json_agg(json_build_object('id', l.id, 'name', l.name, 'running', h.running, 'slots', l.slots)), '[]')
        FROM live l JOIN holder h ON h.worker_id = l.id WHERE h.running > l.slots) AS "overfullWorkers",
      (SELECT coalesce(json_agg(json_build_object('id', l.id, 'name', l.name, 'assigned', h.holding - h.running,
            'freeSlots', l.slots - h.running, 'since', epoch_ms(h.waiting_since),
            'waitedMs', epoch_ms(now()) - epoch_ms(h.waiting_since),
            'completed', coalesce((SELECT c.value FROM current_counts c WHERE c.name = 'worker:' || l.id), 0))), '[]')
        FROM live l JOIN holder h ON h.worker_id = l.id
        WHERE h.waiting_since < now() - ${patience} AND h.running < l.slots
          AND (h.last_start IS NULL OR h.last_start <= h.waiting_since)) AS "unstartedWorkers",
      (SELECT count(*) FROM live l
        WHERE NOT l.draining AND NOT EXISTS (SELECT FROM holder h WHERE h.worker_id = l.id)) AS "idleWorkers",
      (SELECT 1000 * extract(epoch FROM clock_timestamp() - min(next.due_at))::float8
        FROM level l CROSS JOIN LATERAL (
          SELECT t.due_at FROM ready t
          WHERE ${isClaimable(sql)} AND ${isOfLevel(sql)} AND t.due_at <= now()
          ORDER BY t.due_at LIMIT 1
        ) next
        WHERE NOT ${isLimited(sql, sql`l.lane`)}) AS "overdueMs",
      (SELECT coalesce(json_object_agg(name, value), '{}') FROM kept) AS kept,
      (SELECT CASE WHEN (SELECT coalesce(sum(value), 0) FROM kept) <= ${SMALL_TABLE} AND (SELECT count(*) FROM few) <= ${SMALL_TABLE}
        THEN (SELECT coalesce(json_object_agg(state, n), '{}') FROM (SELECT state, count(*) AS n FROM few GROUP BY state) AS s) END) AS counted`
}
