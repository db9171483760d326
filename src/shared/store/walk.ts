import type postgres from 'postgres'
import type { Sql } from './connect.ts'
import { type ListedState, ofState, type Position } from './task-order.ts'
import { isShownAs, matchesRest, type TaskFilter } from './tasks.ts'

/** What may be done to many tasks at once. */
export type TaskAction = 'cancel' | 'retry' | 'run-now' | 'discard'

/** In which states each does something, each state with an index of its own to walk along. */
export const ACTION_STATES = {
  cancel: ['pending', 'assigned', 'running'],
  retry: ['failed', 'cancelled'],
  'run-now': ['pending'],
  discard: ['completed', 'failed', 'cancelled'],
} as const satisfies Record<TaskAction, ListedState[]>

export interface Step {
  id: string
  scheduledAt: string
  /** Whether it matches, and the action would still change it. */
  matches: boolean
}

/** The database's time as PostgreSQL writes it: a Date has no microseconds. */
export async function readInstant(sql: Sql): Promise<string> {
  const [row] = await sql<[{ at: string }]>`SELECT now()::text AS at`
  return row.at
}

/** A part of a walk. */
export interface WalkPart {
  /** The last task of the part before. */
  after?: Position
  limit: number
  /** Only tasks that were in the state at that time, as PostgreSQL writes it. */
  stoodAt?: string | undefined
  /** The last task that there is to look at. */
  until?: Position | undefined
}

/**
 * The next tasks of a state, newest first, each with whether it is meant: so a walk reads every task once,
 * however few match.
 *
 * @param isAsked whether the state is a condition; otherwise it is one of those that the action applies to
 */
export function walkTasks(
  sql: Sql,
  action: TaskAction,
  filter: TaskFilter & { state: ListedState },
  isAsked: boolean,
  { after, limit, stoodAt, until }: WalkPart,
): Promise<Step[]> {
  const { state } = filter
  const where = sql`true
    ${after ? sql`AND (t.scheduled_at, t.id) < (${after.scheduledAt}::text::timestamptz, ${after.id}::uuid)` : sql``}
    ${until ? sql`AND (t.scheduled_at, t.id) >= (${until.scheduledAt}::text::timestamptz, ${until.id}::uuid)` : sql``}`
  return sql`
    SELECT t.id, t.scheduled_at::text AS "scheduledAt", (${isMeant(sql, action, filter)}
      AND ${stood(sql, state, isAsked, stoodAt)}) AS matches
    FROM (${ofState(sql, state, { where, part: {}, limit })}) t
    ORDER BY t.scheduled_at DESC, t.id DESC`
}

/** Those of these tasks that match, and that the action would still change. */
export async function chooseTasks(
  sql: Sql,
  action: TaskAction,
  filter: TaskFilter,
  ids: string[],
  stoodAt?: string,
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    SELECT t.id FROM tasks t
    WHERE t.id = ANY(${ids}::uuid[]) AND ${isShownAs(sql, filter.state)} AND ${isMeant(sql, action, filter)}
      AND (${appliesTo(sql, action, filter.state !== undefined || action === 'run-now', stoodAt)})`
  return rows.map(({ id }) => id)
}

function isMeant(sql: Sql, action: TaskAction, filter: TaskFilter) {
  return sql`(${matchesRest(sql, filter)} AND ${STILL[action](sql)})`
}

/** That task `t` is in a state that the action applies to, and was at that time. */
const appliesTo = (sql: Sql, action: TaskAction, isAsked: boolean, at: string | undefined) =>
  ACTION_STATES[action]
    .map((state): postgres.Fragment => sql`(t.state = ${state} AND ${stood(sql, state, isAsked, at)})`)
    .reduce((all, one) => sql`${all} OR ${one}`, sql`false`)

/** That task `t` was stored at that time. */
const wasThere = (sql: Sql, at: string | undefined) =>
  at === undefined ? sql`true` : sql`t.created_at <= ${at}::text::timestamptz`

/**
 * That task `t`, which is in a state now, was in it at that time; or, when the state was not asked for, in one that the
 * action applies to, as all of those without an end of their own do.
 */
function stood(sql: Sql, state: ListedState, isAsked: boolean, at: string | undefined) {
  if (at === undefined) return sql`true`
  const since = (column: postgres.Fragment) => sql`${column} <= ${at}::text::timestamptz`
  const IN = {
    pending: sql`NOT EXISTS (SELECT FROM attempts a WHERE a.task_id = t.id AND a.ended_at > ${at}::text::timestamptz)`,
    assigned: since(sql`t.picked_at`),
    running: since(sql`t.started_at`),
    completed: since(sql`t.completed_at`),
    failed: since(sql`t.failed_at`),
    cancelled: since(sql`t.cancelled_at`),
  }
  const isEnd = state === 'completed' || state === 'failed' || state === 'cancelled'
  const was = isAsked || isEnd ? IN[state === 'retrying' ? 'pending' : state] : sql`true`
  return sql`${wasThere(sql, at)} AND ${was}`
}

// What was already done is not done again, so that a walk that starts anew comes to an end.
const STILL: Record<TaskAction, (sql: Sql) => ReturnType<Sql>> = {
  cancel: (sql) => sql`t.cancel_requested_at IS NULL`,
  retry: (sql) => sql`true`,
  'run-now': (sql) => sql`t.due_at > now()`,
  discard: (sql) => sql`true`,
}
