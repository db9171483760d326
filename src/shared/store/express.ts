import { DEFAULT_QUEUE, laneOf } from '../core/lane.ts'
import type { Json, NewTask } from '../core/task.ts'
import { EVENTS_CHANNEL } from './channel.ts'
import type { Sql } from './connect.ts'
import type { ClaimedTask, Places } from './dispatch.ts'
import { NOTED, storing } from './insertion.ts'
import { isClaimable, isLimited, isOfLevel } from './lanes.ts'
import { tell } from './notices.ts'

/** A task that is not stored yet, and the worker that has a free slot for it. */
export interface PlacedTask {
  task: NewTask
  workerId: number
  /** From where on other tasks are looked for that wait, as `Places.others` of such workers. */
  others: number | null
}

/** A claimed task, as far as nothing but its claim has happened to it. */
export type ExpressTask = Omit<ClaimedTask, 'lane' | 'level' | 'dueMs'>

/**
 * Stores tasks that are due, each already claimed for its worker: one statement and one commit instead of an insert and a claim.
 * Left out are those that are not due by the database's clock, those whose queue has limits or is paused, those that others
 * wait before that may be claimed (of the same routing key, whatever their priority), and ids that are stored already.
 *
 * @param tasks without a concurrency key, an idempotency key, or anything that they depend on
 * @param from where the claims have got to, by level
 * @returns those that were stored
 */
export async function storeClaimed(
  sql: Sql,
  tasks: PlacedTask[],
  from: Places['of'],
): Promise<ExpressTask[]> {
  const given = tasks.map(({ task }) => task)
  const ids = given.map(({ id }) => id)
  const workerIds = tasks.map(({ workerId }) => workerId)
  const lanes = new Map<string, { n: number; others: number | null }>()
  const laneNumbers = tasks.map(({ task, others }) => {
    const lane = laneOf(task)
    const known = lanes.get(lane) ?? { n: lanes.size + 1, others }
    lanes.set(lane, known)
    return known.n
  })
  const others = [...lanes.values()].map((lane) => lane.others)
  const rows = await sql<Stored[]>`
    WITH open AS MATERIALIZED (
      SELECT g.n FROM unnest(${[...lanes.keys()]}::text[], ${others}::float8[]) WITH ORDINALITY AS g (lane, others, n)
      WHERE NOT ${isLimited(sql, sql`g.lane`)} AND NOT EXISTS (
        SELECT FROM (
          SELECT v.routing AS key, v.priority, coalesce(to_timestamp(
            coalesce((${JSON.stringify(from)}::text::jsonb ->> (v.routing || ' ' || v.priority))::float8, g.others) / 1000), '-infinity') AS place
          FROM levels v WHERE v.routing = routing_key(g.lane)
        ) l WHERE (
          SELECT true FROM ready t
          WHERE ${isClaimable(sql)} AND ${isOfLevel(sql)} AND t.due_at >= l.place AND t.due_at <= now() LIMIT 1)
      ) AND (SELECT true FROM lane_keys k WHERE routing_key(k.lane) = routing_key(g.lane) AND k.ready_at <= now() LIMIT 1) IS NULL
    ), stored AS (${storing(
      sql,
      given,
      sql`
        (${laneNumbers}::int[])[array_position(${ids}::uuid[], t.id)] = ANY (ARRAY(SELECT o.n FROM open o))
        AND coalesce(now() + t.delay_ms * interval '1 ms', t.scheduled_at) <= now()`,
      sql`ON CONFLICT DO NOTHING`,
    )}
      RETURNING id, priority, lane, payload, 1000 * date_part('epoch', now() - due_at) AS waited_ms,
        (${workerIds}::bigint[])[array_position(${ids}::uuid[], id)] AS holder_id
    ), holding AS (
      INSERT INTO held (task_id, attempt, worker_id, picked_at, lane)
      SELECT s.id, 1, s.holder_id, now(), s.lane FROM stored s
    ), counted AS (
      INSERT INTO count_deltas (names, amounts) SELECT array_agg(f.name), array_agg(f.value) FROM (
        SELECT 'assigned' AS name, count(*) AS value FROM stored
        UNION ALL SELECT 'submitted:' || priority_name(priority), count(*) FROM stored GROUP BY 1
        UNION ALL SELECT 'waited:' || bucket_of(waited_ms), count(*) FROM stored GROUP BY 1
        UNION ALL SELECT 'waited_ms', sum(waited_ms)::bigint FROM stored
      ) AS f WHERE f.value <> 0 HAVING count(*) > 0
    )${queueing(sql, given)}
    SELECT s.id, s.payload, s.waited_ms AS "waitedMs", (1000 * extract(epoch FROM clock_timestamp()))::float8 AS at FROM stored s`
  const stored = new Map(rows.map((row) => [row.id, row]))
  const claimed = tasks.flatMap(({ task, workerId }) => {
    const row = stored.get(task.id)
    if (!row) return []
    const { command, executor, priority, timeoutMs, cancelGraceMs } = task
    const { payload } = row
    return {
      taskId: task.id,
      attempt: 1,
      workerId,
      command,
      executor,
      payload,
      priority,
      timeoutMs,
      cancelGraceMs,
    }
  })
  tell(sql, eventsOf(claimed, stored))
  return claimed
}

interface Stored {
  id: string
  payload: Json | null
  waitedMs: number
  /** Epoch ms by the database's clock. */
  at: number
}

/** The CTE that notes the queues of tasks that are not in the default one. */
const queueing = (sql: Sql, tasks: NewTask[]) =>
  tasks.every(({ queue }) => queue === DEFAULT_QUEUE)
    ? sql``
    : sql`, queueing AS (
      INSERT INTO queues (name) SELECT DISTINCT lane_queue(s.lane) FROM stored s WHERE left(s.lane, 1) <> '/' ORDER BY 1
      ON CONFLICT DO NOTHING
    )`

/** The notices of tasks that were stored and claimed, as note_stored and note_changes of sql/0001_baseline.sql write them. */
function eventsOf(claimed: ExpressTask[], stored: Map<string, Stored>): string[] {
  const [first] = stored.values()
  if (!first) return []
  const few = claimed.slice(0, NOTED)
  const event = (type: string, rows: unknown[]) =>
    JSON.stringify({ type, count: claimed.length, at: Math.round(first.at), rows })
  const scheduled = few.map(({ taskId }) => [taskId, 0])
  const assigned = few.map(({ taskId, attempt, workerId }) => {
    const { waitedMs = 0 } = stored.get(taskId) ?? {}
    return [taskId, attempt, workerId, null, Number(waitedMs.toFixed(3)), null]
  })
  return [EVENTS_CHANNEL, event('scheduled', scheduled), EVENTS_CHANNEL, event('assigned', assigned)]
}
