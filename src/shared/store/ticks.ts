import type postgres from 'postgres'
import type { Decision, Outcome } from '../core/schedule/due.ts'
import type { Schedule, Tick } from '../core/schedule/schedule.ts'
import type { NewTask } from '../core/task.ts'
import type { Sql } from './connect.ts'
import { insertion, storedCount } from './insertion.ts'
import { type Notices, noticesOnce, tell, tellOnce } from './notices.ts'
import { scheduleColumns } from './schedules.ts'

/** How soon to look again at a schedule whose ticks wait for the end of a task. */
const QUEUE_LOOK_MS = 250

/** A schedule that is to be looked at. */
export interface DueSchedule extends Schedule {
  /** The database's time. */
  now: Date
  /** Rows ever written to its ledger. */
  ticks: number
  firstQueued: Date | null
  /** The task that a tick started last, while it has not ended. */
  runningTaskId: string | null
}

/**
 * Schedules that are to be looked at now, those that wait the longest first. Nothing is locked.
 *
 * @param skip so many of the first are left to others
 */
export function findDueSchedules(sql: Sql, limit: number, skip = 0): Promise<DueSchedule[]> {
  return sql`
    SELECT ${scheduleColumns(sql)}, now() AS now, s.ticks,
      (SELECT q.tick_at FROM schedule_ticks q WHERE q.schedule_id = s.id AND q.outcome = 'queued'
        ORDER BY q.tick_at LIMIT 1) AS "firstQueued",
      (SELECT t.id FROM tasks t WHERE t.id = s.last_task_id AND t.state IN ('pending', 'assigned', 'running')) AS "runningTaskId"
    FROM (SELECT * FROM schedules WHERE wake_at <= now() ORDER BY wake_at LIMIT ${limit} OFFSET ${skip}) s`
}

/** ms until a schedule is to be looked at, by the database's clock (negative: overdue), or null. */
export async function msUntilNextTick(sql: Sql): Promise<number | null> {
  const [row] = await sql<{ ms: number }[]>`
    SELECT (1000 * extract(epoch FROM wake_at - clock_timestamp()))::float8 AS ms
    FROM schedules WHERE wake_at IS NOT NULL ORDER BY wake_at LIMIT 1`
  return row?.ms ?? null
}

/** What was decided of the ticks of one schedule. */
export interface Firing {
  schedule: DueSchedule
  decisions: Decision[]
  nextAt: Date | null
  /** Ticks in its queue from now on. */
  queued: number
  /** One for each tick that is fired or caught up. */
  tasks: NewTask[]
}

/** A row of the ledger that was written. */
export interface FiredTick {
  scheduleId: string
  tickAt: Date
  outcome: Outcome
  lagMs: number
}

/**
 * Writes ticks to the ledger, stores their tasks and moves the schedules on: one statement, so that all of it happens
 * or none. Of a schedule that is no longer as it was when this was decided, or that another coordinator has locked,
 * nothing is done; and the ledger's key lets a tick fire once, whatever was decided.
 *
 * @returns the rows that were written
 */
export async function fireTicks(sql: Sql, firings: Firing[]): Promise<FiredTick[]> {
  const tasks = firings.flatMap((firing) => firing.tasks)
  const byTick = new Map(tasks.map((task) => [keyOf(task.scheduleId, task.tickAt), task.id]))
  const rows = firings.flatMap(({ schedule, decisions }) =>
    decisions.map((decision) => ({
      ...decision,
      id: schedule.id,
      taskId: byTick.get(keyOf(schedule.id, decision.tickAt)) ?? null,
    })),
  )
  const fired = await sql<FiredTick[]>`
    WITH mine AS MATERIALIZED (
      SELECT s.id, r.next_after, r.queued_after, r.written, r.last_task_id
      FROM unnest(
        ${firings.map(({ schedule }) => schedule.id)}::uuid[], ${firings.map(({ schedule }) => schedule.version)}::int[],
        ${firings.map(({ schedule }) => iso(schedule.nextAt))}::timestamptz[],
        ${firings.map(({ schedule }) => schedule.queued)}::int[], ${firings.map(({ nextAt }) => iso(nextAt))}::timestamptz[],
        ${firings.map(({ queued }) => queued)}::int[], ${firings.map(({ decisions }) => decisions.length)}::int[],
        ${firings.map((firing) => firing.tasks.at(-1)?.id ?? null)}::uuid[]
      ) AS r (id, version, next_at, queued, next_after, queued_after, written, last_task_id)
      JOIN schedules s ON s.id = r.id
      WHERE s.version = r.version AND s.next_at IS NOT DISTINCT FROM r.next_at AND s.queued = r.queued
        AND s.wake_at IS NOT NULL
      FOR UPDATE OF s SKIP LOCKED
    ), written AS (
      INSERT INTO schedule_ticks AS old (schedule_id, tick_at, outcome, reason, task_id, lag_ms)
      SELECT d.id, d.tick_at, d.outcome, d.reason, d.task_id, ${lag(sql, sql`d.tick_at`)}
      FROM unnest(
        ${rows.map((row) => row.id)}::uuid[], ${rows.map((row) => row.tickAt.toISOString())}::timestamptz[],
        ${rows.map((row) => row.outcome)}::text[], ${rows.map((row) => row.reason)}::text[],
        ${rows.map((row) => row.taskId)}::uuid[]
      ) AS d (id, tick_at, outcome, reason, task_id)
      WHERE (d.id IN (SELECT id FROM mine)) IS TRUE
      ON CONFLICT (schedule_id, tick_at) DO UPDATE SET outcome = excluded.outcome, reason = excluded.reason,
        task_id = excluded.task_id, lag_ms = excluded.lag_ms, at = excluded.at
        WHERE old.outcome = 'queued' AND excluded.outcome = 'fired'
      RETURNING schedule_id, tick_at, outcome, task_id, lag_ms
    ), moved AS (
      UPDATE schedules s SET next_at = m.next_after, queued = m.queued_after, ticks = s.ticks + m.written,
        last_task_id = coalesce(m.last_task_id, s.last_task_id),
        wake_at = CASE WHEN m.queued_after > 0 THEN least(m.next_after, now() + ${QUEUE_LOOK_MS} * interval '1 ms')
          ELSE m.next_after END
      FROM mine m WHERE s.id = m.id
    ), ${insertion(sql, tasks, isWritten(sql))}
    SELECT schedule_id AS "scheduleId", tick_at AS "tickAt", outcome, lag_ms AS "lagMs", ${noticesOnce(sql)}
    FROM written WHERE ${storedCount(sql)} IS NOT NULL`
  return tellOnce(sql, fired)
}

/** Lets nobody look at a schedule for a while, because looking at it fails. */
export async function postponeSchedule(sql: Sql, id: string, ms: number): Promise<void> {
  await sql`
    UPDATE schedules SET wake_at = now() + ${ms} * interval '1 ms' WHERE id = ${id} AND wake_at IS NOT NULL`
}

/** Deletes the oldest rows of a ledger that has more than `keep`. */
export async function trimLedger(sql: Sql, scheduleId: string, keep: number): Promise<void> {
  await sql`
    DELETE FROM schedule_ticks WHERE schedule_id = ${scheduleId} AND outcome <> 'queued' AND tick_at < (
      SELECT tick_at FROM schedule_ticks WHERE schedule_id = ${scheduleId} ORDER BY tick_at DESC OFFSET ${keep - 1} LIMIT 1
    )`
}

/**
 * Starts a task by hand, beside the schedule's ticks: its row is at this very moment, and between whole milliseconds,
 * where no tick is.
 *
 * @returns false when there is no such schedule
 */
export async function fireByHand(sql: Sql, task: NewTask): Promise<boolean> {
  const [row] = await sql<{ count: number; notices: Notices }[]>`
    WITH written AS (
      INSERT INTO schedule_ticks (schedule_id, tick_at, outcome, reason, task_id, lag_ms)
      SELECT s.id, date_trunc('milliseconds', now()) + (1 + floor(random() * 999)) * interval '1 microsecond', 'by_hand',
        'run now', ${task.id}, 0
      FROM schedules s WHERE s.id = ${task.scheduleId}
      RETURNING task_id
    ), counted AS (
      UPDATE schedules SET ticks = ticks + 1 WHERE id = ${task.scheduleId}
    ), ${insertion(sql, [task], isWritten(sql))}
    SELECT ${storedCount(sql)} AS count, (SELECT notices FROM noted) AS notices`
  tell(sql, row?.notices)
  return (row?.count ?? 0) > 0
}

/**
 * Starts the ticks of these tasks that were skipped or are not in the ledger.
 *
 * @returns the ids of the tasks that were stored
 */
export async function backfillTicks(sql: Sql, scheduleId: string, tasks: NewTask[]): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    WITH mine AS (
      UPDATE schedules SET ticks = ticks + ${tasks.length} WHERE id = ${scheduleId} RETURNING id
    ), written AS (
      INSERT INTO schedule_ticks AS old (schedule_id, tick_at, outcome, reason, task_id, lag_ms)
      SELECT m.id, d.tick_at, 'backfilled', 'backfilled by hand', d.task_id, ${lag(sql, sql`d.tick_at`)}
      FROM mine m, unnest(${tasks.map((task) => task.id)}::uuid[], ${tasks.map((task) => iso(task.tickAt))}::timestamptz[]) AS d (task_id, tick_at)
      ON CONFLICT (schedule_id, tick_at) DO UPDATE SET outcome = excluded.outcome, reason = excluded.reason,
        task_id = excluded.task_id, lag_ms = excluded.lag_ms, at = excluded.at
        WHERE old.outcome = 'skipped'
      RETURNING task_id
    ), ${insertion(sql, tasks, isWritten(sql))}
    SELECT task_id AS id, ${noticesOnce(sql)} FROM written WHERE ${storedCount(sql)} IS NOT NULL ORDER BY task_id`
  return tellOnce(sql, rows).map(({ id }) => id)
}

/** A row of the ledger, with its time as PostgreSQL writes it, because a Date has no microseconds. */
export type ListedTick = Tick & { exactTickAt: string }

/** One page of a ledger, the latest tick first. */
export function listTicks(
  sql: Sql,
  scheduleId: string,
  { before, limit }: { before: string | null; limit: number },
): Promise<ListedTick[]> {
  return sql`
    SELECT t.tick_at AS "tickAt", t.outcome, t.reason, t.task_id AS "taskId", t.lag_ms AS "lagMs", t.at,
      t.tick_at::text AS "exactTickAt"
    FROM schedule_ticks t
    WHERE t.schedule_id = ${scheduleId} ${before === null ? sql`` : sql`AND t.tick_at < ${before}::text::timestamptz`}
    ORDER BY t.tick_at DESC LIMIT ${limit}`
}

// `IS TRUE` keeps them from becoming joins, which without hash joins compare each with each.
const isWritten = (sql: Sql) => sql`(t.id IN (SELECT task_id FROM written)) IS TRUE`

const iso = (at: Date | null) => at?.toISOString() ?? null

const keyOf = (scheduleId: string | null, tickAt: Date | null) => `${scheduleId} ${tickAt?.getTime()}`

const lag = (sql: Sql, tickAt: postgres.Fragment) =>
  sql`(1000 * extract(epoch FROM now() - ${tickAt}))::float8`
