import type postgres from 'postgres'
import type { PriorityRange } from '../core/priority.ts'
import type { TaskState } from '../core/task.ts'
import type { Sql } from './connect.ts'

/** A state, or `retrying`: those of the pending ones that failed before. */
export type ListedState = TaskState | 'retrying'

export const TASK_SORTS = ['-scheduled', 'scheduled', '-priority', 'priority'] as const
/** By what tasks are listed: by `scheduled_at`, or by priority and then `scheduled_at`; with `-` the greatest first. */
export type TaskSort = (typeof TASK_SORTS)[number]

export const isByPriority = (sort: TaskSort | undefined): boolean => sort?.endsWith('priority') ?? false

/** Where in the order a task lies; its time as PostgreSQL writes it, because a Date has no microseconds. */
export interface Position {
  scheduledAt: string
  id: string
  /** Of an order by priority alone. */
  priority?: number
}

/** Where a listed task lies in an order. */
export const placeOf = (
  { exactScheduledAt: scheduledAt, id, priority }: { exactScheduledAt: string; id: string; priority: number },
  sort: TaskSort | undefined,
): Position => placeOfEnd({ scheduledAt, id, priority }, sort)

/** The same of a place that may have more than the order needs. */
export const placeOfEnd = (
  { scheduledAt, id, priority }: Position,
  sort: TaskSort | undefined,
): Position => ({
  ...{ scheduledAt, id },
  ...(isByPriority(sort) && priority !== undefined && { priority }),
})

export interface OrderedPart {
  /** Default `-scheduled`. */
  sort?: TaskSort
  /** The last task of the part before. */
  after?: Position
}

export const order = (sql: Sql, { sort = '-scheduled' }: OrderedPart) =>
  ({
    '-scheduled': sql`t.scheduled_at DESC, t.id DESC`,
    scheduled: sql`t.scheduled_at, t.id`,
    '-priority': sql`t.priority DESC, t.scheduled_at DESC, t.id DESC`,
    priority: sql`t.priority, t.scheduled_at, t.id`,
  })[sort]

/** In an order by priority, all tasks are those of these: each has an index by priority, or is little. */
const PARTS: ListedState[] = ['pending', 'completed', 'failed', 'cancelled']

/** So many tasks of a state, or of all, and of these priorities, in order; each page reads what it returns. */
export function inOrder(
  sql: Sql,
  { state, priority }: { state?: ListedState | undefined; priority?: PriorityRange | undefined },
  part: OrderedPart,
  limit: number,
): postgres.Fragment {
  const isOne = priority !== undefined && priority.min === priority.max
  // A range serves an order by time no better than the whole list does: `matchesRest` looks at it.
  const range = isOne || isByPriority(part.sort) ? priority : undefined
  const read = (from: postgres.Fragment, is: postgres.Fragment) => sql`
    SELECT * FROM ${from} t WHERE ${is} AND ${isWithin(sql, range)} AND ${isAfter(sql, part)}
    ORDER BY ${order(sql, part)} LIMIT ${limit}`
  if (state) return read(candidates(sql, state), isInState(sql, state))
  if (!range && !isByPriority(part.sort)) return read(sql`tasks`, sql`true`)
  const parts = PARTS.map((one) => read(candidates(sql, one), isInState(sql, one)))
  const held = read(candidates(sql, 'running'), sql`true`)
  return sql`
    SELECT * FROM (${parts.reduce((all, one) => sql`${all} UNION ALL (${one})`, sql`(${held})`)}) t
    ORDER BY ${order(sql, part)} LIMIT ${limit}`
}

/** That task `t` has one of these priorities. */
export function isWithin(sql: Sql, range: PriorityRange | undefined) {
  if (!range) return sql`true`
  return range.min === range.max
    ? sql`t.priority = ${range.min}::smallint`
    : sql`t.priority BETWEEN ${range.min}::smallint AND ${range.max}::smallint`
}

function isAfter(sql: Sql, { sort = '-scheduled', after }: OrderedPart) {
  if (!after) return sql`true`
  const than = sort.startsWith('-') ? sql`<` : sql`>`
  const place = sql`${after.scheduledAt}::text::timestamptz, ${after.id}::uuid`
  return isByPriority(sort)
    ? sql`(t.priority, t.scheduled_at, t.id) ${than} (${after.priority ?? 0}::smallint, ${place})`
    : sql`(t.scheduled_at, t.id) ${than} (${place})`
}

// What workers hold is little and has its own index; OFFSET 0 keeps the planner from walking the whole list
// for it instead.
/** Where tasks of a state are looked for. */
export function candidates(sql: Sql, state: ListedState | undefined): postgres.Fragment {
  const isHeldState = state === 'assigned' || state === 'running'
  return isHeldState ? sql`(SELECT * FROM tasks t WHERE ${held(sql)} OFFSET 0)` : sql`tasks`
}

// The conditions are written as the partial indexes' predicates are, so that each state walks its own.
const IN_STATE: Record<ListedState, (sql: Sql) => postgres.Fragment> = {
  pending: (sql) => sql`coalesce(t.picked_at, t.cancelled_at, t.failed_at) IS NULL`,
  retrying: (sql) => sql`coalesce(t.picked_at, t.cancelled_at, t.failed_at) IS NULL AND t.failures > 0`,
  assigned: (sql) => sql`${held(sql)} AND t.started_at IS NULL`,
  running: (sql) => sql`${held(sql)} AND t.started_at IS NOT NULL`,
  completed: (sql) => sql`t.completed_at IS NOT NULL`,
  failed: (sql) => sql`t.failed_at IS NOT NULL`,
  cancelled: (sql) => sql`t.cancelled_at IS NOT NULL`,
}

/** That task `t` is in a state. */
export const isInState = (sql: Sql, state: ListedState) => IN_STATE[state](sql)

const held = (sql: Sql) => sql`
  t.picked_at IS NOT NULL AND t.completed_at IS NULL AND t.failed_at IS NULL AND t.cancelled_at IS NULL`
