import type { Sql } from './connect.ts'
import { concludedCount, concluding, isAttempt, isGone, ofHeld, putBackLost } from './held.ts'
import { isKey } from './lookup.ts'
import { type Notices, noticesOnce, tell, tellOnce } from './notices.ts'

/** How a coordinator reaches a worker: by its dispatch stream, or by pushing to its address. */
export type LinkKind = 'stream' | 'push'

export interface WorkerIdentity {
  /** uint32, chosen by the worker. */
  id: number
  name: string
  /** host:port where it serves WorkerService, or empty. */
  address: string
  link: LinkKind
  slots: number
  labels: string[]
  executors: string[]
  hostname: string
  pid: number
}

export interface Worker extends WorkerIdentity {
  online: boolean
  draining: boolean
  registeredAt: Date
  lastSeenAt: Date
  runningTaskIds: string[]
  tasksCompleted: number
}

/**
 * Writes a worker's row, as online and seen now, and makes `session` the link that holds it.
 *
 * @param greeting the number of its hello; 0: not counted
 * @param draining it takes no new tasks
 * @returns false, and nothing is written, when a later hello was first
 */
export async function registerWorker(
  sql: Sql,
  worker: WorkerIdentity,
  coordinatorId: string,
  session: string,
  { greeting = 0, draining = false }: { greeting?: number; draining?: boolean } = {},
): Promise<boolean> {
  const { id, name, address, link, slots, labels, executors, hostname, pid } = worker
  const { count } = await sql`
    INSERT INTO workers (id, name, address, link, slots, labels, executors, hostname, pid, coordinator_id, session, greeting,
      draining)
    VALUES (${id}, ${name}, ${address}, ${link}, ${slots}, ${labels}, ${executors}, ${hostname}, ${pid},
      ${coordinatorId}, ${session}, ${greeting}, ${draining})
    ON CONFLICT (id) DO UPDATE SET
      name = excluded.name, address = excluded.address, link = excluded.link, slots = excluded.slots,
      labels = excluded.labels, executors = excluded.executors, hostname = excluded.hostname, pid = excluded.pid,
      coordinator_id = excluded.coordinator_id, session = excluded.session,
      greeting = excluded.greeting, draining = excluded.draining, last_seen_at = now(), offline_at = NULL
    WHERE excluded.greeting = 0 OR excluded.greeting > workers.greeting`
  return count > 0
}

/**
 * Renews the leases of workers that were heard from, in one statement.
 *
 * @returns the instant of it, and the sessions that are still theirs: the others were taken over or given up by someone else
 */
export async function renewLeases(
  sql: Sql,
  leases: { session: string; draining: boolean }[],
): Promise<{ at: Instant; sessions: string[] }> {
  const [row] = await sql<[{ at: Instant; sessions: string[] }]>`
    WITH renewed AS (
      UPDATE workers w SET last_seen_at = now(), draining = l.draining = 1
      FROM unnest(${leases.map((l) => l.session)}::uuid[], ${leases.map((l) => (l.draining ? 1 : 0))}::int[]) AS l (session, draining)
      WHERE w.session = l.session AND w.offline_at IS NULL
      RETURNING w.session
    )
    SELECT ${instant(sql, sql`now()`)} AS at, coalesce(array_agg(session), '{}') AS sessions FROM renewed`
  return row
}

/** ms since the epoch by the database's clock. */
export type Instant = number

const instant = (sql: Sql, at: ReturnType<Sql>) => sql`(1000 * extract(epoch FROM ${at}))::float8`

export async function readInstant(sql: Sql): Promise<Instant> {
  const [row] = await sql<[{ at: Instant }]>`SELECT ${instant(sql, sql`clock_timestamp()`)} AS at`
  return row.at
}

/**
 * When it was decided to give workers up, and how much later that may still be done. A statement can sleep for minutes, in
 * a frozen server or in a socket, and then knows nothing of what happened meanwhile; so it is void when it wakes too late.
 */
export interface Decision {
  at: Instant
  withinMs: number
}

const stillHolds = (sql: Sql, { at, withinMs }: Decision) => sql`
  clock_timestamp() <= to_timestamp(${at}::float8 / 1000) + ${withinMs} * interval '1 ms'`

export interface LostWorker {
  id: number
  name: string
  address: string
  requeued: number
}

/** Gives up the workers of these sessions, unless they have a newer one, and puts all they hold back. */
export function loseSessions(
  sql: Sql,
  sessions: string[],
  maxLosses: number,
  decision: Decision,
): Promise<LostWorker[]> {
  return lose(sql, maxLosses, decision, sql`session = ANY(${sessions}::uuid[])`)
}

/** Gives up the workers that nobody had heard from for so long, by the database's clock, when that was decided. */
export function loseSilent(
  sql: Sql,
  silenceMs: number,
  maxLosses: number,
  decision: Decision,
): Promise<LostWorker[]> {
  const before = sql`to_timestamp(${decision.at}::float8 / 1000) - ${silenceMs} * interval '1 ms'`
  return lose(sql, maxLosses, decision, sql`last_seen_at < ${before}`)
}

// Whoever locks the worker's row requeues its tasks; another coordinator that comes at the same time passes by.
async function lose(
  sql: Sql,
  maxLosses: number,
  decision: Decision,
  which: ReturnType<Sql>,
): Promise<LostWorker[]> {
  const lost = await sql<LostWorker[]>`
    WITH lost AS MATERIALIZED (
      SELECT id FROM workers WHERE offline_at IS NULL AND ${which} AND ${stillHolds(sql, decision)} FOR UPDATE SKIP LOCKED
    ), theirs AS MATERIALIZED (
      ${heldBy(sql, sql`SELECT id FROM lost`)}
    ), ${concluding(sql, lostBy(sql, sql`theirs`, maxLosses))}, given_up AS (
      UPDATE workers w SET offline_at = now() FROM lost WHERE w.id = lost.id RETURNING w.id, w.name, w.address
    )
    SELECT w.id, w.name, w.address, (SELECT count(*) FROM concluded c, noted, levelled WHERE c.worker_id = w.id) AS requeued,
      ${noticesOnce(sql)}
    FROM given_up w`
  return tellOnce(sql, lost)
}

/** The attempts of these workers `(id)`, in the order of their tasks. */
const heldBy = (sql: Sql, workers: ReturnType<Sql>) => sql`
  SELECT o.task_id, o.attempt FROM (
    SELECT h.task_id, h.attempt FROM (${workers}) AS w (id) JOIN held h ON ${isKey(sql, sql`h.worker_id`, sql`w.id`)} OFFSET 0
  ) AS o ORDER BY o.task_id`

/** Of workers that are lost: the attempts `(task_id, attempt)` of a CTE. */
const lostBy = (sql: Sql, theirs: ReturnType<Sql>, maxLosses: number) => ({
  mine: sql`
    DELETE FROM held h USING ${theirs} o WHERE ${isAttempt(sql, sql`o`)} RETURNING ${ofHeld(sql)}`,
  areDeleted: true,
  set: putBackLost(sql, maxLosses),
  where: sql`true`,
  outcome: sql`'lost'`,
  kind: 'reassigned' as const,
})

/**
 * Puts back what is held by a worker that is offline or unknown: a claim that was committed while its worker
 * was being given up. Visits each holder once, not each task. What has a new attempt when its lock is had is left alone.
 *
 * @returns how many tasks were put back
 */
export async function requeueOrphans(sql: Sql, maxLosses: number): Promise<number> {
  const [row] = await sql<{ count: number; notices: Notices }[]>`
    WITH RECURSIVE holder AS (
      (SELECT h.worker_id FROM held h ORDER BY h.worker_id LIMIT 1)
      UNION ALL
      SELECT (SELECT h.worker_id FROM held h WHERE h.worker_id > p.worker_id ORDER BY h.worker_id LIMIT 1)
      FROM holder p WHERE p.worker_id IS NOT NULL
    ), gone AS MATERIALIZED (
      SELECT h.worker_id FROM holder h WHERE h.worker_id IS NOT NULL AND ${isGone(sql)}
    ), orphan AS MATERIALIZED (
      ${heldBy(sql, sql`SELECT worker_id FROM gone`)}
    ), ${concluding(sql, lostBy(sql, sql`orphan`, maxLosses))}
    SELECT ${concludedCount(sql)} AS count, (SELECT notices FROM noted) AS notices`
  tell(sql, row?.notices)
  return row?.count ?? 0
}

/**
 * Workers with what they run now.
 *
 * @param silenceMs how long a worker may be silent and still count as online
 */
export function listWorkers(
  sql: Sql,
  { silenceMs, offline }: { silenceMs: number; offline: boolean },
): Promise<Worker[]> {
  const online = sql`(w.offline_at IS NULL AND w.last_seen_at >= now() - ${silenceMs} * interval '1 ms')`
  return sql<Worker[]>`
    SELECT w.id, w.name, w.address, w.link, w.slots, w.labels, w.executors, w.hostname, w.pid, w.draining,
      w.registered_at AS "registeredAt", w.last_seen_at AS "lastSeenAt", ${online} AS online,
      coalesce((SELECT array_agg(h.task_id ORDER BY h.slot, h.task_id) FROM held h
        WHERE h.worker_id = w.id AND h.started_at IS NOT NULL), '{}') AS "runningTaskIds",
      coalesce(c.value, 0) AS "tasksCompleted"
    FROM workers w LEFT JOIN current_counts c ON c.name = 'worker:' || w.id
    WHERE ${offline ? sql`true` : online}
    ORDER BY w.offline_at IS NOT NULL, w.registered_at, w.id LIMIT 1000`
}

/** The ids and names of all workers that are remembered. */
export function listWorkerNames(sql: Sql): Promise<{ id: number; name: string }[]> {
  return sql`SELECT id, name FROM workers`
}

/** Forgets workers that have been offline for so long. */
export async function forgetWorkers(sql: Sql, offlineMs: number): Promise<void> {
  await sql`
    WITH gone AS (DELETE FROM workers WHERE offline_at < now() - ${offlineMs} * interval '1 ms' RETURNING id)
    DELETE FROM counts USING gone WHERE name = 'worker:' || gone.id`
}
