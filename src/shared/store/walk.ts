import type { Sql } from './connect.ts'
import { candidates, isInState, type ListedState } from './task-order.ts'
import { isShownAs, matchesRest, type TaskFilter, type TaskPage } from './tasks.ts'

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

/**
 * The next tasks of a state, newest first, each with whether it is meant: so a walk reads every task once,
 * however few match.
 */
export function walkTasks(
  sql: Sql,
  action: TaskAction,
  filter: TaskFilter & { state: ListedState },
  { after, limit }: TaskPage,
): Promise<Step[]> {
  const { state } = filter
  return sql`
    SELECT t.id, t.scheduled_at::text AS "scheduledAt", ${isMeant(sql, action, filter)} AS matches
    FROM ${candidates(sql, state)} t WHERE ${isInState(sql, state)}
    ${after ? sql`AND (t.scheduled_at, t.id) < (${after.scheduledAt}::text::timestamptz, ${after.id}::uuid)` : sql``}
    ORDER BY t.scheduled_at DESC, t.id DESC LIMIT ${limit}`
}

/** Those of these tasks that match, and that the action would still change. */
export async function chooseTasks(
  sql: Sql,
  action: TaskAction,
  filter: TaskFilter,
  ids: string[],
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    SELECT t.id FROM tasks t
    WHERE t.id = ANY(${ids}::uuid[]) AND ${isShownAs(sql, filter.state)} AND ${isMeant(sql, action, filter)}`
  return rows.map(({ id }) => id)
}

function isMeant(sql: Sql, action: TaskAction, filter: TaskFilter) {
  return sql`(${matchesRest(sql, filter)} AND ${STILL[action](sql)})`
}

// What was already done is not done again, so that a walk that starts anew comes to an end.
const STILL: Record<TaskAction, (sql: Sql) => ReturnType<Sql>> = {
  cancel: (sql) => sql`t.cancel_requested_at IS NULL`,
  retry: (sql) => sql`true`,
  'run-now': (sql) => sql`t.due_at > now()`,
  discard: (sql) => sql`true`,
}
