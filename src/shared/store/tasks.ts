import type postgres from 'postgres'
import type { PriorityRange } from '../core/priority.ts'
import type { NewTask, Task } from '../core/task.ts'
import type { Sql } from './connect.ts'
import { insertion, isKeyTaken, storedCount } from './insertion.ts'
import { type Notices, tell } from './notices.ts'
import { columns, size } from './task-columns.ts'
import {
  inOrder,
  isByPriority,
  isWithin,
  type ListedState,
  type OrderedPart,
  order,
  type Position,
  type TaskSort,
} from './task-order.ts'

export type { ListedState, Position } from './task-order.ts'

/** One stored under the same idempotency key before. */
export interface Duplicate {
  idempotencyKey: string
  id: string
  requestHash: string | null
}

/**
 * Stores tasks, all or none, in one statement. A task whose idempotency key is taken is not stored.
 *
 * @returns when some were not stored: the tasks that hold the keys of all that were given
 */
export async function insertTasks(sql: Sql, given: NewTask[]): Promise<Duplicate[]> {
  const tasks = inOrderOfKeys(given)
  const [inserted] = await sql<{ count: number; notices: Notices }[]>`
    WITH ${insertion(sql, tasks)} SELECT ${storedCount(sql)} AS count, (SELECT notices FROM noted) AS notices`
  tell(sql, inserted?.notices)
  if (inserted?.count === tasks.length) return []
  const holders = await findHolders(sql, keysOf(tasks))
  const held = new Set(holders.map(({ idempotencyKey }) => idempotencyKey))
  // One that held a key may have been deleted since: then the key is free after all.
  const left = tasks.filter(({ idempotencyKey }) => idempotencyKey !== null && !held.has(idempotencyKey))
  return left.length > 0 ? [...holders, ...(await insertTasks(sql, left))] : holders
}

/**
 * Stores tasks, all or none, in one statement.
 *
 * @returns false when nothing was stored because an idempotency key is taken
 */
export async function insertAllTasks(sql: Sql, tasks: NewTask[]): Promise<boolean> {
  try {
    const [inserted] = await sql<{ notices: Notices }[]>`
      WITH ${insertion(sql, inOrderOfKeys(tasks), sql`true`, 'refuse')}
      SELECT ${storedCount(sql)} AS count, (SELECT notices FROM noted) AS notices`
    tell(sql, inserted?.notices)
    return true
  } catch (error) {
    if (isKeyTaken(error)) return false
    throw error
  }
}

/** Stores a task that may be stored already: then it stays as it is. It has no idempotency key. */
export async function insertUnlessStored(sql: Sql, task: NewTask): Promise<void> {
  const [inserted] = await sql<{ notices: Notices }[]>`
    WITH ${insertion(sql, [task], sql`true`, 'leave out', sql`ON CONFLICT DO NOTHING`)}
    SELECT ${storedCount(sql)} AS count, (SELECT notices FROM noted) AS notices`
  tell(sql, inserted?.notices)
}

/** The tasks under these idempotency keys. */
export function findHolders(sql: Sql, keys: string[]): Promise<Duplicate[]> {
  return sql`
    SELECT key AS "idempotencyKey", task_id AS id, request_hash AS "requestHash"
    FROM idempotency_keys WHERE key = ANY(${keys})`
}

// Whoever inserts waits for others that insert the same key: all in one order, so that no two wait for each other.
export const inOrderOfKeys = (tasks: NewTask[]) => (keysOf(tasks).length > 0 ? tasks.toSorted(byKey) : tasks)

const keysOf = (tasks: NewTask[]) => tasks.flatMap(({ idempotencyKey }) => idempotencyKey ?? [])

const byKey = (a: NewTask, b: NewTask) => {
  const [one, other] = [a.idempotencyKey ?? '', b.idempotencyKey ?? '']
  return one < other ? -1 : one > other ? 1 : 0
}

export async function findTask(sql: Sql, id: string): Promise<Task | null> {
  const [task] = await sql<Task[]>`SELECT ${columns(sql)} FROM tasks t WHERE t.id = ${id}`
  return task ?? null
}

/** How these tasks stand now, and what they came to; those that do not exist are left out. */
export function findOutcomes(
  sql: Sql,
  ids: string[],
): Promise<Pick<Task, 'id' | 'state' | 'attempt' | 'error' | 'output'>[]> {
  return sql`SELECT id, state, attempt, error, output FROM tasks WHERE id = ANY(${ids}::uuid[])`
}

/** The states of these tasks now; those that do not exist are left out. */
export function findStates(sql: Sql, ids: string[]): Promise<Pick<Task, 'id' | 'state' | 'attempt'>[]> {
  return sql`SELECT id, state, attempt FROM tasks WHERE id = ANY(${ids}::uuid[])`
}

export interface TaskFilter {
  state?: ListedState
  /** Held or ended by one of these. */
  workerIds?: number[]
  /** Matches name, command, and the beginning or the end of the id, ignoring case. */
  text?: string
  priority?: PriorityRange
}

/**
 * How many tasks of the state asked for one page of a text or worker filter looks through: no index serves those,
 * and a page must not take longer because little matches. The next page goes on from there.
 */
export const SEARCH_WINDOW = 5000

export interface TaskPage extends OrderedPart {
  limit: number
  /** Cuts what is long in the tasks. */
  isBrief?: boolean
  /** Bytes after which the page ends; its last task is the one that gets there. */
  maxBytes?: number
}

export interface ListedTask extends Task {
  /** `scheduledAt` to the microsecond, for `TaskPage.after`. */
  exactScheduledAt: string
  /** Bytes of the page up to here, about. */
  throughBytes: number
}

/** One page of tasks of a state, or of all; for what `isSearch` see `searchTasks`. */
export function listTasks(
  sql: Sql,
  filter: Pick<TaskFilter, 'state' | 'priority'>,
  page: TaskPage,
): Promise<ListedTask[]> {
  return withinBytes(sql, inOrder(sql, filter, page, page.limit), page)
}

/** Whether a page ended because of its bytes; there may be more. */
export const isFull = (tasks: ListedTask[], maxBytes: number | undefined): boolean =>
  maxBytes !== undefined && (tasks.at(-1)?.throughBytes ?? 0) >= maxBytes

/** The first of these tasks, until there are too many bytes. */
function withinBytes(sql: Sql, tasks: postgres.Fragment, page: Omit<TaskPage, 'limit'>) {
  const most = page.maxBytes ?? Number.MAX_SAFE_INTEGER
  return sql<ListedTask[]>`
    SELECT ${columns(sql, page.isBrief)}, t.scheduled_at::text AS "exactScheduledAt", t.through AS "throughBytes"
    FROM (
      SELECT t.*, sum(${size(sql, page.isBrief)}) OVER (ORDER BY ${order(sql, page)}) AS through,
        ${size(sql, page.isBrief)} AS own
      FROM (${tasks}) t
    ) t WHERE t.through - t.own < ${most}::bigint ORDER BY ${order(sql, page)}`
}

export interface Search {
  /** The page: the first `limit` of those that match. */
  tasks: ListedTask[]
  /** How many match, of those that were looked through. */
  count: number
  /** The last task that was looked through; null when there are no more. */
  end: Position | null
}

/** Looks through SEARCH_WINDOW tasks of the filter's state once: what matches, how many, and where the next go on. */
export async function searchTasks(sql: Sql, filter: TaskFilter, page: TaskPage): Promise<Search> {
  const [row] = await sql<{ ids: string[] | null; count: number; end: Position | null }[]>`
    WITH seen AS MATERIALIZED (
      SELECT t.id, t.scheduled_at, t.priority, (${matchesRest(sql, filter)}) AS hit
      FROM (${inOrder(sql, filter, page, SEARCH_WINDOW)}) t
    )
    SELECT ARRAY(
        SELECT t.id FROM seen t WHERE hit ORDER BY ${order(sql, page)} LIMIT ${page.limit}
      ) AS ids,
      (SELECT count(*) FROM seen WHERE hit) AS count,
      (SELECT jsonb_build_object('scheduledAt', t.scheduled_at::text, 'id', t.id, 'priority', t.priority)
        FROM seen t ORDER BY ${order(sql, page)} OFFSET ${SEARCH_WINDOW - 1} LIMIT 1) AS "end"`
  const ids = row?.ids ?? []
  const tasks = ids.length > 0 ? await findInOrder(sql, ids, filter, page) : []
  return { tasks, count: row?.count ?? 0, end: row?.end ?? null }
}

/** These tasks, as far as they still match. */
function findInOrder(sql: Sql, ids: string[], filter: TaskFilter, page: TaskPage): Promise<ListedTask[]> {
  const found = sql`
    SELECT * FROM tasks t
    WHERE t.id = ANY(${ids}::uuid[]) AND ${isShownAs(sql, filter.state)} AND ${matchesRest(sql, filter)}`
  return withinBytes(sql, found, page)
}

/** Those of these tasks that match, briefly. */
export function findMatches(sql: Sql, ids: string[], filter: TaskFilter): Promise<Task[]> {
  return sql`
    SELECT ${columns(sql, true)} FROM tasks t
    WHERE t.id = ANY(${ids}::uuid[]) AND ${isShownAs(sql, filter.state)} AND ${matchesRest(sql, filter)}`
}

/** As `isInState`, in words that match no partial index: for tasks that are looked up by their ids. */
export function isShownAs(sql: Sql, state: ListedState | undefined) {
  if (state === 'retrying') return sql`t.state = 'pending' AND t.failures > 0`
  return state ? sql`t.state = ${state}` : sql`true`
}

/** How many tasks match, of the newest SEARCH_WINDOW of the state, and whether that is all. */
export async function countMatches(
  sql: Sql,
  filter: TaskFilter,
  sort?: TaskSort,
): Promise<{ count: number; isAll: boolean }> {
  const [row] = await sql<{ count: number; seen: number }[]>`
    SELECT count(*) FILTER (WHERE ${matchesRest(sql, filter)}) AS count, count(*) AS seen
    FROM (${inOrder(sql, filter, sort ? { sort } : {}, SEARCH_WINDOW)}) t`
  return { count: row?.count ?? 0, isAll: (row?.seen ?? 0) < SEARCH_WINDOW }
}

/** Whether no index serves it in that order. */
export const isSearch = ({ text, workerIds, priority }: TaskFilter, sort: TaskSort | undefined): boolean =>
  text !== undefined ||
  workerIds !== undefined ||
  (priority !== undefined && priority.min !== priority.max && !isByPriority(sort))

/** That task `t` is what a filter asks for, its state aside. */
export function matchesRest(sql: Sql, { workerIds, text, priority }: TaskFilter) {
  const isOfWorker =
    workerIds === undefined
      ? isWithin(sql, priority)
      : sql`coalesce(t.worker_id = ANY(${workerIds}::bigint[]), false) AND ${isWithin(sql, priority)}`
  return text === undefined ? isOfWorker : sql`${isOfWorker} AND ${hasText(sql, text)}`
}

// Neither ILIKE nor the database's own collation, which take several times as long, where ASCII is asked for.
function hasText(sql: Sql, text: string) {
  const collation = /^[\0-\x7f]*$/.test(text) ? sql`COLLATE "C"` : sql``
  const has = (column: ReturnType<Sql>) =>
    sql`strpos(lower(${column} ${collation}), lower(${text}::text ${collation})) > 0`
  return sql`(${has(sql`t.command`)} OR ${has(sql`t.name`)} OR ${isEndOfId(sql, text.toLowerCase())})`
}

/** The end of an id is what interfaces show of it; fewer characters would match by chance. */
const LEAST_OF_ID = 4

function isEndOfId(sql: Sql, text: string) {
  if (!/^[0-9a-f-]+$/.test(text)) return sql`false`
  const begins = sql`starts_with(t.id::text, ${text})`
  return text.length < LEAST_OF_ID ? begins : sql`(${begins} OR right(t.id::text, ${text.length}) = ${text})`
}
