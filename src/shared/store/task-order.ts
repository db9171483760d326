import type postgres from 'postgres'
import { GREATEST_PRIORITY, LEAST_PRIORITY, type PriorityRange } from '../core/priority.ts'
import { PRIORITIES, type TaskState } from '../core/task.ts'
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

/** All tasks are those of these: each has an index by priority and time, or is little. */
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
  const after = isAfter(sql, part)
  if (state) return ofState(sql, state, { range, where: after, part, limit })
  const parts = PARTS.map((one) => ofState(sql, one, { range, where: after, part, limit }))
  const held = read(sql, candidates(sql, 'running'), sql`${isWithin(sql, range)} AND ${after}`, part, limit)
  return merged(sql, [held, ...parts], part, limit)
}

/**
 * Those of a state for which a condition on task `t` holds, in order.
 *
 * @param from what they are read from; default whole tasks
 */
export function ofState(
  sql: Sql,
  state: ListedState,
  {
    range,
    where,
    part,
    limit,
    from = candidates(sql, state),
  }: {
    range?: PriorityRange | undefined
    where: postgres.Fragment
    part: OrderedPart
    limit: number
    from?: postgres.Fragment
  },
): postgres.Fragment {
  const is = sql`${isInState(sql, state)} AND ${where}`
  if (isByPriority(part.sort) || isHeldState(state)) {
    return read(sql, from, sql`${is} AND ${isWithin(sql, range)}`, part, limit)
  }
  // The indexes are by priority and then by time: in order of time, those of each priority are merged.
  const lists = apart(range).map((one) => read(sql, from, sql`${is} AND ${isWithin(sql, one)}`, part, limit))
  return merged(sql, lists, part, limit)
}

const NAMED = Object.values(PRIORITIES).sort((a, b) => a - b)

/** Each priority that has a name by itself, and all below and above, which few tasks have. */
function apart(range: PriorityRange = { min: LEAST_PRIORITY, max: GREATEST_PRIORITY }): PriorityRange[] {
  if (range.min === range.max) return [range]
  const [least, greatest] = [Math.min(...NAMED), Math.max(...NAMED)]
  return [
    { min: range.min, max: Math.min(range.max, least - 1) },
    ...NAMED.filter((one) => one >= range.min && one <= range.max).map((one) => ({ min: one, max: one })),
    { min: Math.max(range.min, greatest + 1), max: range.max },
  ].filter(({ min, max }) => min <= max)
}

const read = (
  sql: Sql,
  from: postgres.Fragment,
  is: postgres.Fragment,
  part: OrderedPart,
  limit: number,
): postgres.Fragment => sql`
  SELECT * FROM ${from} t WHERE ${is} ORDER BY ${order(sql, part)} LIMIT ${limit}`

function merged(sql: Sql, lists: postgres.Fragment[], part: OrderedPart, limit: number): postgres.Fragment {
  const [first, ...others] = lists
  if (others.length === 0) return first as postgres.Fragment
  return sql`
    SELECT * FROM (${others.reduce((all, one) => sql`${all} UNION ALL (${one})`, sql`(${first as postgres.Fragment})`)}) t
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

/** Where tasks of a state are looked for: what is in flight is little, and is not walked to along a list. */
function candidates(sql: Sql, state: ListedState): postgres.Fragment {
  return isHeldState(state)
    ? sql`(SELECT t.* FROM held h JOIN tasks t ON t.id = h.task_id OFFSET 0)`
    : sql`tasks`
}

const isHeldState = (state: ListedState) => state === 'assigned' || state === 'running'

const isOpen = (sql: Sql) => sql`coalesce(t.completed_at, t.failed_at, t.cancelled_at) IS NULL`

/** That nobody has task `t`: in words by which the planner knows that this is so of nearly all. */
const isFree = (sql: Sql) => sql`NOT EXISTS (SELECT FROM held f WHERE f.task_id = t.id)`

// The conditions are written as the partial indexes' predicates are, so that each state walks its own.
const IN_STATE: Record<ListedState, (sql: Sql) => postgres.Fragment> = {
  pending: (sql) => sql`${isOpen(sql)} AND ${isFree(sql)}`,
  retrying: (sql) => sql`${isOpen(sql)} AND t.failures > 0 AND ${isFree(sql)}`,
  assigned: (sql) => sql`t.started_at IS NULL AND ${isOpen(sql)}`,
  running: (sql) => sql`t.started_at IS NOT NULL AND ${isOpen(sql)}`,
  completed: (sql) => sql`t.completed_at IS NOT NULL`,
  failed: (sql) => sql`t.failed_at IS NOT NULL`,
  cancelled: (sql) => sql`t.cancelled_at IS NOT NULL`,
}

/** That task `t` is in a state. */
const isInState = (sql: Sql, state: ListedState) => IN_STATE[state](sql)
