import type postgres from 'postgres'
import type { Schedule, ScheduleFields, Tick } from '../core/schedule/schedule.ts'
import { SCHEDULES_CHANNEL } from './channel.ts'
import type { Sql } from './connect.ts'

/** What people do to schedules; `ticks.ts` has what coordinators do. Every change wakes those. */

/** The database's time, to the ms: what schedules are reckoned from. */
export async function readClock(sql: Sql): Promise<Date> {
  const [row] = await sql<[{ now: Date }]>`SELECT now()`
  return row.now
}

/** A schedule in lists: with the latest row of its ledger. */
export type ListedSchedule = Schedule & {
  last: (Pick<Tick, 'outcome' | 'reason' | 'taskId' | 'lagMs'> & { tickAt: string }) | null
}

export const scheduleColumns = (sql: Sql) => sql`
  s.id, s.name, s.cron, s.time_zone AS "timeZone", s.every_ms AS "everyMs", s.anchor_at AS "anchorAt",
  s.starts_at AS "startsAt", s.ends_at AS "endsAt", s.task, s.catch_up AS "catchUp",
  s.catch_up_window_ms AS "catchUpWindowMs", s.overlap, s.created_at AS "createdAt", s.updated_at AS "updatedAt",
  s.version, s.paused_at AS "pausedAt", s.next_at AS "nextAt", s.queued`

/** Stores a schedule; null when another has its name. */
export async function insertSchedule(
  sql: Sql,
  id: string,
  fields: ScheduleFields,
  { nextAt, paused }: { nextAt: Date | null; paused: boolean },
): Promise<Schedule | null> {
  const [row] = await sql<Schedule[]>`
    WITH inserted AS (
      INSERT INTO schedules (id, name, cron, time_zone, every_ms, anchor_at, starts_at, ends_at, task, catch_up,
        catch_up_window_ms, overlap, next_at, wake_at, paused_at)
      VALUES (${id}, ${fields.name}, ${fields.cron}, ${fields.timeZone}, ${fields.everyMs}, ${fields.anchorAt},
        ${fields.startsAt}, ${fields.endsAt}, ${JSON.stringify(fields.task)}::text::jsonb, ${fields.catchUp},
        ${fields.catchUpWindowMs}, ${fields.overlap}, ${nextAt}, CASE WHEN ${paused} THEN NULL ELSE ${nextAt}::timestamptz END,
        CASE WHEN ${paused} THEN now() END)
      ON CONFLICT (name) DO NOTHING RETURNING *
    ), ${told(sql, sql`inserted`)}
    SELECT ${scheduleColumns(sql)} FROM inserted s LEFT JOIN told ON true`
  return row ?? null
}

export async function findSchedule(sql: Sql, id: string): Promise<ListedSchedule | null> {
  const [row] = await sql<ListedSchedule[]>`
    SELECT ${scheduleColumns(sql)}, ${lastTick(sql)} FROM schedules s WHERE s.id = ${id}`
  return row ?? null
}

export async function findScheduleByName(sql: Sql, name: string): Promise<ListedSchedule | null> {
  const [row] = await sql<ListedSchedule[]>`
    SELECT ${scheduleColumns(sql)}, ${lastTick(sql)} FROM schedules s WHERE s.name = ${name}`
  return row ?? null
}

/** One page of schedules by name, after that name; it ends with the one that makes it so many bytes. */
export function listSchedules(
  sql: Sql,
  { after, limit, maxBytes }: { after: string; limit: number; maxBytes: number },
): Promise<(ListedSchedule & { throughBytes: number })[]> {
  return sql`
    SELECT ${scheduleColumns(sql)}, ${lastTick(sql)}, s.through AS "throughBytes"
    FROM (
      SELECT s.*, sum(octet_length(s.task::text)) OVER (ORDER BY s.name) AS through, octet_length(s.task::text) AS own
      FROM (SELECT * FROM schedules s WHERE s.name > ${after} ORDER BY s.name LIMIT ${limit}) s
    ) s WHERE s.through - s.own < ${maxBytes}::bigint ORDER BY s.name`
}

/** How many schedules there are. */
export async function countSchedules(sql: Sql): Promise<number> {
  const [row] = await sql<[{ count: number }]>`SELECT count(*) FROM schedules`
  return row.count
}

/**
 * Edits the schedule if it is still at that version; null when it is not.
 *
 * @param nextAt the first tick from now on; undefined leaves the ticks as they are
 */
export async function updateSchedule(
  sql: Sql,
  { id, version }: Pick<Schedule, 'id' | 'version'>,
  fields: ScheduleFields,
  nextAt: Date | null | undefined,
): Promise<Schedule | null> {
  const next = nextAt === undefined ? sql`s.next_at` : sql`${nextAt}::timestamptz`
  const [row] = await sql<Schedule[]>`
    WITH updated AS (
      UPDATE schedules s SET name = ${fields.name}, cron = ${fields.cron}, time_zone = ${fields.timeZone},
        every_ms = ${fields.everyMs}, anchor_at = ${fields.anchorAt}, starts_at = ${fields.startsAt},
        ends_at = ${fields.endsAt}, task = ${JSON.stringify(fields.task)}::text::jsonb, catch_up = ${fields.catchUp},
        catch_up_window_ms = ${fields.catchUpWindowMs}, overlap = ${fields.overlap}, updated_at = now(),
        version = s.version + 1, next_at = ${next}, wake_at = ${wakeAt(sql, next)}
      WHERE s.id = ${id} AND s.version = ${version} RETURNING *
    ), ${told(sql, sql`updated`)}
    SELECT ${scheduleColumns(sql)} FROM updated s LEFT JOIN told ON true`
  return row ?? null
}

/** Lets a schedule rest: nothing of it is fired. Resting already, it stays as it is. */
export async function pauseSchedule(sql: Sql, id: string): Promise<Schedule | null> {
  const [row] = await sql<Schedule[]>`
    UPDATE schedules s SET paused_at = coalesce(s.paused_at, now()), wake_at = NULL,
      version = s.version + (s.paused_at IS NULL)::int
    WHERE s.id = ${id} RETURNING ${scheduleColumns(sql)}`
  return row ?? null
}

/** Ends the rest of a schedule that is still at that version; null when it is not. */
export async function resumeSchedule(
  sql: Sql,
  { id, version }: Pick<Schedule, 'id' | 'version'>,
  nextAt: Date | null,
): Promise<Schedule | null> {
  const [row] = await sql<Schedule[]>`
    WITH resumed AS (
      UPDATE schedules s SET paused_at = NULL, version = s.version + 1, next_at = ${nextAt},
        wake_at = CASE WHEN s.queued > 0 THEN now() ELSE ${nextAt}::timestamptz END
      WHERE s.id = ${id} AND s.version = ${version} RETURNING *
    ), ${told(sql, sql`resumed`)}
    SELECT ${scheduleColumns(sql)} FROM resumed s LEFT JOIN told ON true`
  return row ?? null
}

/** Deletes a schedule and its ledger; the tasks of its ticks stay. */
export async function deleteSchedule(sql: Sql, id: string): Promise<boolean> {
  const rows = await sql`
    WITH deleted AS (DELETE FROM schedules WHERE id = ${id} RETURNING id),
      forgotten AS (DELETE FROM schedule_ticks t USING deleted d WHERE t.schedule_id = d.id)
    SELECT id FROM deleted`
  return rows.length > 0
}

const wakeAt = (sql: Sql, next: postgres.Fragment) => sql`
  CASE WHEN s.paused_at IS NULL THEN CASE WHEN s.queued > 0 THEN now() ELSE ${next} END END`

/** The CTE `told`: wakes the coordinators for what another CTE changed. */
const told = (sql: Sql, changed: postgres.Fragment) => sql`
  told AS (SELECT notify_hint(${SCHEDULES_CHANNEL}, '') FROM ${changed} LIMIT 1)`

const lastTick = (sql: Sql) => sql`
  (SELECT jsonb_build_object('tickAt', t.tick_at, 'outcome', t.outcome, 'reason', t.reason, 'taskId', t.task_id, 'lagMs', t.lag_ms)
    FROM schedule_ticks t WHERE t.schedule_id = s.id ORDER BY t.tick_at DESC LIMIT 1) AS last`
