import type postgres from 'postgres'
import { DEFAULT_QUEUE, laneOf } from '../core/lane.ts'
import type { NewTask } from '../core/task.ts'
import type { Sql } from './connect.ts'

/**
 * The CTEs that store tasks: all of them, or `only` those for which a condition on the id of row `t` holds. `stored` has a row
 * for each that was; `noted` has the notices of it, and has to be read by the statement, which `storedCount` does.
 *
 * @param whenKeyIsTaken what is done about a task whose idempotency key is taken: it is left out by default, or nothing is
 *   stored, which is an error that `isKeyTaken` knows
 * @param whenStored what is done about a task whose id is stored already; by default it is an error
 */
export const insertion = (
  sql: Sql,
  tasks: NewTask[],
  only: postgres.Fragment = sql`true`,
  whenKeyIsTaken: 'leave out' | 'refuse' = 'leave out',
  whenStored: postgres.Fragment = sql``,
) => {
  const keyed = tasks.filter(({ idempotencyKey }) => idempotencyKey !== null)
  const stored = keyed.length > 0 ? sql`${only} ${hasItsKey(sql)}` : only
  return sql`
    ${keyed.length > 0 ? reserving(sql, keyed, only, whenKeyIsTaken) : sql``}
    stored AS (${storing(sql, tasks, stored, whenStored)}
      RETURNING id, due_at, priority, lane, concurrency_key, waits_for
    ), queued AS (
      INSERT INTO ready (task_id, due_at, attempt, priority, routing, lane, concurrency_key)
      SELECT id, due_at, 1, priority, routing_key(lane), lane, concurrency_key FROM stored WHERE waits_for = 0
    ), noted AS (
      SELECT note_stored(count(*), ARRAY[
          count(*) FILTER (WHERE priority = 0), count(*) FILTER (WHERE priority = 1), count(*) FILTER (WHERE priority = 2),
          count(*) FILTER (WHERE priority = 3), count(*) FILTER (WHERE priority NOT BETWEEN 0 AND 3)],
        min(due_at) FILTER (WHERE waits_for = 0), (array_agg(id))[1:${NOTED}],
        array_agg(lane) FILTER (WHERE is_governed(lane, concurrency_key)),
        array_agg(concurrency_key) FILTER (WHERE is_governed(lane, concurrency_key)),
        array_agg(CASE WHEN waits_for = 0 THEN due_at END) FILTER (WHERE is_governed(lane, concurrency_key))) AS notices
      FROM stored
    ), levelled AS (
      SELECT note_levels(array_agg(lane), array_agg(priority)) FROM (
        SELECT DISTINCT lane, priority FROM stored WHERE waits_for = 0 AND concurrency_key IS NULL
      ) AS alike
    )`
}

/** The INSERT of the records of tasks, as far as `only` holds for row `t`, without a RETURNING. */
export const storing = (
  sql: Sql,
  tasks: NewTask[],
  only: postgres.Fragment,
  whenStored: postgres.Fragment,
) => {
  // Ticks may be written that have no task: then it stores nothing, in as few columns as there can be.
  const groups = COLUMNS.filter(({ isUsedBy }, index) => index === 0 || tasks.some(isUsedBy))
  const join = (parts: postgres.Fragment[]) => parts.reduce((all, part) => sql`${all}, ${part}`)
  return sql`
      INSERT INTO task_records (${join(groups.map(({ into }) => into(sql)))})
      SELECT ${join(groups.map(({ from }) => from(sql)))}
      FROM unnest(${join(groups.map(({ values }) => values(sql, tasks)))})
        AS t (${join(groups.map(({ as }) => as(sql)))})
      WHERE ${only}
      ${whenStored}`
}

/**
 * The CTE `reserved`: the ids of those of these tasks whose keys were free, and stand for them now. Whoever else takes such a key
 * at the same time is waited for.
 */
const reserving = (
  sql: Sql,
  keyed: NewTask[],
  only: postgres.Fragment,
  whenKeyIsTaken: 'leave out' | 'refuse',
) => sql`
    reserved AS (
      INSERT INTO idempotency_keys (key, task_id, request_hash)
      SELECT t.key, t.id, t.request_hash
      FROM unnest(${keyed.map((t) => t.id)}::uuid[], ${keyed.map((t) => t.idempotencyKey)}::text[],
        ${keyed.map((t) => t.requestHash)}::text[]) AS t (id, key, request_hash)
      WHERE ${only}
      ${whenKeyIsTaken === 'refuse' ? sql`` : sql`ON CONFLICT (key) DO NOTHING`}
      RETURNING task_id
    ),`

/** That task `t` has no key, or one that stands for it. With an alternative, it is no join, which would compare each with each. */
const hasItsKey = (sql: Sql) =>
  sql`AND (t.idempotency_key IS NULL OR t.id IN (SELECT r.task_id FROM reserved r))`

/** Whether a statement with these CTEs stored nothing because an idempotency key is taken. */
export const isKeyTaken = (error: unknown): boolean =>
  (error as { constraint_name?: unknown }).constraint_name === 'idempotency_keys_pkey'

/** How many tasks the CTEs of `insertion` stored. */
export const storedCount = (sql: Sql) => sql`(SELECT count(*) FROM stored, noted, levelled)`

/** Tasks that watchers are told of, of many that are stored at once: see note_stored in sql/0001_baseline.sql. */
export const NOTED = 60

interface Columns {
  /** Those that all tasks of a statement have at their default are left to the table. */
  isUsedBy: (task: NewTask) => boolean
  into: (sql: Sql) => postgres.Fragment
  /** Of row `t`, which has `values` under the names `as`. */
  from: (sql: Sql) => postgres.Fragment
  values: (sql: Sql, tasks: NewTask[]) => postgres.Fragment
  as: (sql: Sql) => postgres.Fragment
}

/** In a few groups, because each combination is a statement that connections keep prepared. */
const COLUMNS: Columns[] = [
  {
    isUsedBy: () => true,
    into: (sql) => sql`
      id, name, description, command, payload, priority, max_retries, retry_backoff_ms, retry_backoff_cap_ms,
      timeout_ms, cancel_grace_ms, scheduled_at, due_at`,
    from: (sql) => sql`
      id, name, description, command, payload::jsonb, priority, max_retries, retry_backoff_ms, retry_backoff_cap_ms,
      timeout_ms, cancel_grace_ms, coalesce(now() + delay_ms * interval '1 ms', scheduled_at),
      coalesce(now() + delay_ms * interval '1 ms', scheduled_at)`,
    values: (sql, tasks) => sql`
      ${tasks.map((t) => t.id)}::uuid[], ${tasks.map((t) => t.name)}::text[],
      ${tasks.map((t) => t.description)}::text[], ${tasks.map((t) => t.command)}::text[],
      ${tasks.map((t) => (t.payload === null ? null : JSON.stringify(t.payload)))}::text[],
      ${tasks.map((t) => t.priority)}::smallint[], ${tasks.map((t) => t.maxRetries)}::smallint[],
      ${tasks.map((t) => t.retryBackoffMs)}::int[], ${tasks.map((t) => t.retryBackoffCapMs)}::int[],
      ${tasks.map((t) => t.timeoutMs)}::int[], ${tasks.map((t) => t.cancelGraceMs)}::int[],
      ${tasks.map((t) => t.scheduledAt.toISOString())}::timestamptz[], ${tasks.map((t) => t.delayMs)}::float8[]`,
    as: (sql) => sql`
      id, name, description, command, payload, priority, max_retries, retry_backoff_ms, retry_backoff_cap_ms,
      timeout_ms, cancel_grace_ms, scheduled_at, delay_ms`,
  },
  {
    isUsedBy: (t) => t.idempotencyKey !== null,
    into: (sql) => sql`idempotency_key`,
    from: (sql) => sql`idempotency_key`,
    values: (sql, tasks) => sql`${tasks.map((t) => t.idempotencyKey)}::text[]`,
    as: (sql) => sql`idempotency_key`,
  },
  {
    isUsedBy: (t) =>
      t.executor !== 'simulate' ||
      t.queue !== DEFAULT_QUEUE ||
      t.labels.length > 0 ||
      t.concurrencyKey !== null,
    into: (sql) => sql`executor, lane, concurrency_key`,
    from: (sql) => sql`executor, lane, concurrency_key`,
    values: (sql, tasks) => sql`
      ${tasks.map((t) => t.executor)}::text[],
      ${tasks.map(laneOf)}::text[], ${tasks.map((t) => t.concurrencyKey)}::text[]`,
    as: (sql) => sql`executor, lane, concurrency_key`,
  },
  {
    isUsedBy: (t) =>
      t.parents > 0 || t.hasDependents || t.workflowId !== null || t.onParentFailure !== 'fail',
    into: (sql) => sql`parents, waits_for, has_dependents, on_parent_failure, workflow_id, workflow_key`,
    from: (sql) =>
      sql`nullif(parents, 0), parents, has_dependents = 1, on_parent_failure, workflow_id, workflow_key`,
    values: (sql, tasks) => sql`
      ${tasks.map((t) => t.parents)}::int[], ${tasks.map((t) => (t.hasDependents ? 1 : 0))}::int[],
      ${tasks.map((t) => (t.onParentFailure === 'fail' ? null : t.onParentFailure))}::text[], ${tasks.map((t) => t.workflowId)}::uuid[],
      ${tasks.map((t) => t.workflowKey)}::text[]`,
    as: (sql) => sql`parents, has_dependents, on_parent_failure, workflow_id, workflow_key`,
  },
  {
    isUsedBy: (t) => t.scheduleId !== null,
    into: (sql) => sql`schedule_id, tick_at`,
    from: (sql) => sql`schedule_id, tick_at`,
    values: (sql, tasks) => sql`
      ${tasks.map((t) => t.scheduleId)}::uuid[],
      ${tasks.map((t) => t.tickAt?.toISOString() ?? null)}::timestamptz[]`,
    as: (sql) => sql`schedule_id, tick_at`,
  },
]
