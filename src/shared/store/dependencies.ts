import type { NewTask, TaskState } from '../core/task.ts'
import { PARENTS_CHANNEL } from './channel.ts'
import type { Sql } from './connect.ts'
import { insertion, isKeyTaken, storedCount } from './insertion.ts'
import { isKey } from './lookup.ts'
import { type Notices, tell } from './notices.ts'
import { inOrderOfKeys } from './tasks.ts'

/** That one task waits for the end of another. */
export interface Edge {
  taskId: string
  dependsOn: string
}

/** How a store of tasks that depend on others went. */
export interface Stored {
  /** False: nothing was stored. */
  stored: boolean
  /** Tasks that are depended on and do not exist. */
  missing: string[]
}

/**
 * Stores tasks together with what they depend on, all or none, in one statement. Those that they depend on are among
 * them or exist already; the latter are locked, so that none ends unseen, and those that have ended are reported to
 * the coordinators as if they ended now.
 *
 * @returns not stored when a task that is depended on does not exist, or an idempotency key is taken
 */
export async function insertDependents(
  sql: Sql,
  tasks: NewTask[],
  edges: Edge[],
  workflow: { id: string; name: string } | null = null,
): Promise<Stored> {
  const own = new Set(tasks.map(({ id }) => id))
  const others = [...new Set(edges.map(({ dependsOn }) => dependsOn))].filter((id) => !own.has(id)).sort()
  const workflows = workflow ? [workflow] : []
  try {
    const [row] = await sql<{ missing: string[]; notices: Notices }[]>`
      WITH parents AS MATERIALIZED (
        SELECT t.id, CASE WHEN t.completed_at IS NOT NULL THEN 'completed' WHEN t.failed_at IS NOT NULL THEN 'failed'
          WHEN t.cancelled_at IS NOT NULL THEN 'cancelled' END AS state
        FROM task_records t WHERE t.id = ANY(${others}::uuid[]) ORDER BY t.id FOR NO KEY UPDATE
      ), complete AS MATERIALIZED (SELECT count(*) = ${others.length}::int AS yes FROM parents),
      begun AS (
        INSERT INTO workflows (id, name)
        SELECT w.id, w.name FROM unnest(${workflows.map(({ id }) => id)}::uuid[], ${workflows.map(({ name }) => name)}::text[]) AS w (id, name)
        WHERE (SELECT yes FROM complete)
      ), ${insertion(sql, inOrderOfKeys(tasks), sql`(SELECT yes FROM complete)`, 'refuse')},
      connected AS (
        INSERT INTO dependencies (task_id, depends_on)
        SELECT e.task_id, e.depends_on
        FROM unnest(${edges.map(({ taskId }) => taskId)}::uuid[], ${edges.map(({ dependsOn }) => dependsOn)}::uuid[]) AS e (task_id, depends_on)
        WHERE (SELECT yes FROM complete)
      ), marked AS (
        UPDATE task_records t SET has_dependents = true FROM parents p
        WHERE ${isKey(sql, sql`t.id`, sql`p.id`)} AND NOT t.has_dependents AND (SELECT yes FROM complete)
      ), ended AS (
        INSERT INTO ended_parents (task_id, state)
        SELECT p.id, p.state FROM parents p
        WHERE p.state IS NOT NULL AND (SELECT yes FROM complete) ORDER BY p.id
        RETURNING 1
      )
      SELECT ARRAY(SELECT o.id FROM unnest(${others}::uuid[]) AS o (id) WHERE o.id NOT IN (SELECT p.id FROM parents p)) AS missing,
        ${storedCount(sql)} AS stored,
        (SELECT notices FROM noted) || CASE WHEN EXISTS (SELECT FROM ended) THEN ARRAY[${PARENTS_CHANNEL}::text, ''] END AS notices`
    tell(sql, row?.notices)
    const missing = row?.missing ?? []
    return { stored: missing.length === 0, missing }
  } catch (error) {
    if (isKeyTaken(error)) return { stored: false, missing: [] }
    throw error
  }
}

/**
 * Tells the dependents of tasks that have ended, as `resolve_dependents` of sql/0001_baseline.sql says: those whose last one it was become
 * claimable, those of one that failed end as they are to.
 *
 * @returns how many ended tasks were looked at; 0 when no more are left that nobody else is looking at
 */
export async function resolveDependents(
  sql: Sql,
  { parents = 500, edges = 5000 }: { parents?: number; edges?: number } = {},
): Promise<number> {
  const [row] = await sql<{ count: number }[]>`SELECT resolve_dependents(${parents}, ${edges}) AS count`
  return row?.count ?? 0
}

/** A task that another one waits for, or that waits for it. */
export interface Relative {
  taskId: string
  key: string | null
  name: string
  command: string
  /** Null: it was deleted. */
  state: TaskState | null
}

export interface Relatives {
  dependsOn: Relative[]
  dependents: Relative[]
  /** How many dependents there are, up to DEPENDENTS_COUNTED; `dependents` are some of them. */
  dependentsCount: number
}

/** More are not counted: whoever looks at a task must not wait for that. */
export const DEPENDENTS_COUNTED = 10_000

/** What a task depends on, and some of what depends on it. */
export async function findRelatives(sql: Sql, taskId: string, limit = 100): Promise<Relatives> {
  const described = (rows: ReturnType<Sql>) => sql`
    coalesce((SELECT jsonb_agg(jsonb_build_object('taskId', r.id, 'key', t.workflow_key, 'name', coalesce(t.name, ''),
        'command', coalesce(left(t.command, 200), ''), 'state', t.state) ORDER BY r.id)
      FROM (${rows}) AS r LEFT JOIN tasks t ON t.id = r.id), '[]')`
  const [row] = await sql<Relatives[]>`
    SELECT
      ${described(sql`SELECT d.depends_on AS id FROM dependencies d WHERE d.task_id = ${taskId} ORDER BY d.depends_on LIMIT ${limit}`)} AS "dependsOn",
      ${described(sql`SELECT d.task_id AS id FROM dependencies d WHERE d.depends_on = ${taskId} LIMIT ${limit}`)} AS dependents,
      (SELECT count(*) FROM (SELECT FROM dependencies d WHERE d.depends_on = ${taskId} LIMIT ${DEPENDENTS_COUNTED}) AS counted) AS "dependentsCount"`
  return row ?? { dependsOn: [], dependents: [], dependentsCount: 0 }
}
