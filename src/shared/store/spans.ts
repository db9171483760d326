import type { TaskRef } from '../core/task.ts'
import type { Sql } from './connect.ts'
import type { LinkKind } from './workers.ts'

export type Outcome = 'completed' | 'failed' | 'cancelled' | 'lost' | 'returned'

/** One attempt as a bar in time: when it was picked, started and ended, in epoch ms by the database's clock. */
export interface Span {
  taskId: string
  attempt: number
  workerId: number
  slot: number | null
  /** Its first COMMAND_LENGTH characters; null when the task is no longer there. */
  command: string | null
  pickedAt: number | null
  startedAt: number | null
  endedAt: number | null
  outcome: Outcome | null
}

const COMMAND_LENGTH = 120

/** What is held now, running attempts first; at most `limit`. */
export function listHeldSpans(sql: Sql, limit: number): Promise<Span[]> {
  return sql<Span[]>`
    SELECT ${ownSpan(sql)}
    FROM (SELECT * FROM held ORDER BY started_at IS NULL, picked_at LIMIT ${limit}) h JOIN tasks t ON t.id = h.task_id
    ORDER BY h.started_at IS NULL, h.picked_at`
}

/** These attempts as they are now; those that are no longer known are left out. */
export async function findSpans(sql: Sql, refs: TaskRef[]): Promise<Span[]> {
  return await sql<Span[]>`
    WITH ref AS MATERIALIZED (
      SELECT * FROM unnest(${refs.map((r) => r.taskId)}::uuid[], ${refs.map((r) => r.attempt)}::int[]) AS r (id, n)
    )
    SELECT ${ownSpan(sql)} FROM ref r JOIN tasks t ON t.id = r.id
    WHERE t.attempt = r.n AND t.picked_at IS NOT NULL
    UNION ALL
    SELECT a.task_id, a.attempt, a.worker_id, a.slot,
      (SELECT left(t.command, ${COMMAND_LENGTH}) FROM tasks t WHERE t.id = a.task_id),
      epoch_ms(a.picked_at), epoch_ms(a.started_at), epoch_ms(a.ended_at), a.outcome
    FROM ref r JOIN attempts a ON a.task_id = r.id AND a.attempt = r.n`
}

const ownSpan = (sql: Sql) => sql`
  t.id AS "taskId", t.attempt, t.worker_id AS "workerId", t.slot, left(t.command, ${COMMAND_LENGTH}) AS command,
  epoch_ms(t.picked_at) AS "pickedAt", epoch_ms(t.started_at) AS "startedAt",
  epoch_ms(coalesce(t.completed_at, t.failed_at, t.cancelled_at)) AS "endedAt",
  CASE WHEN t.state IN ('completed', 'failed', 'cancelled') THEN t.state END AS outcome`

/** A worker as the dashboard shows it, how many of its slots are busy aside. */
export interface WorkerStanding {
  id: number
  name: string
  slots: number
  online: boolean
  draining: boolean
  /** Epoch ms. */
  offlineAt: number | null
  link: LinkKind
}

export interface StandingOptions {
  /** ms of silence after which a worker is gone. */
  silenceMs: number
  /** ms that those that are gone are still listed. */
  goneMs: number
}

/** Workers that are there, and those that went a short while ago; with the database's clock. */
export async function listStandings(
  sql: Sql,
  { silenceMs, goneMs }: StandingOptions,
): Promise<{ at: number; workers: WorkerStanding[] }> {
  const [row] = await sql<{ at: number; workers: WorkerStanding[] }[]>`
    SELECT epoch_ms(clock_timestamp()) AS at, (
      SELECT coalesce(json_agg(to_jsonb(w) - 'registered' ORDER BY w.registered, w.id), '[]') FROM (
        SELECT id, name, slots, draining, link, epoch_ms(registered_at) AS registered,
          offline_at IS NULL AND last_seen_at >= now() - ${silenceMs} * interval '1 ms' AS online,
          epoch_ms(CASE WHEN offline_at IS NOT NULL THEN offline_at
            WHEN last_seen_at < now() - ${silenceMs} * interval '1 ms' THEN last_seen_at END) AS "offlineAt"
        FROM workers WHERE offline_at IS NULL OR offline_at >= now() - ${goneMs} * interval '1 ms'
        LIMIT 1000
      ) AS w
    ) AS workers`
  return row ?? { at: Date.now(), workers: [] }
}
