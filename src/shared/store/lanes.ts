import type { Capabilities } from '../core/lane.ts'
import type { Sql } from './connect.ts'

/** That row `t` of `ready` has no key: the predicate of the index ready_claimable. */
export const isClaimable = (sql: Sql) => sql`t.concurrency_key IS NULL`

/** That it has one: the predicate of the index ready_keyed. */
export const isKeyedClaimable = (sql: Sql) => sql`t.concurrency_key IS NOT NULL`

/** Rows `(needs, labels)`, one for each kind of worker that the walk is for. */
export type Kinds = ReturnType<Sql>

/** The one kind of workers that have these capabilities. */
export const kindOf = (sql: Sql, { executors, labels }: Capabilities): Kinds => sql`
  SELECT needs_of(${executors}::text[]), ${labels}::text[]`

/** Every kind at once: the walk visits every lane that there is. */
export const anyKind = (sql: Sql): Kinds => sql`SELECT NULL::text[], NULL::text[]`

/** The kinds of the workers `w` that `from` names: a FROM clause with its conditions. */
export const kindsOf = (sql: Sql, from: ReturnType<Sql>): Kinds => sql`
  SELECT DISTINCT needs_of(w.executors), w.labels FROM ${from}`

/**
 * The recursive CTEs `level (key, lane, priority)`: each priority of each lane that claimable tasks may have and some of these
 * kinds run, by routing key and the highest priority first. One look into the table of levels each, and one for each run of
 * lanes in between that they do not run. Of several kinds a level comes once for each that runs it.
 */
export const levels = (sql: Sql, kinds: Kinds) => {
  const next = (where: ReturnType<Sql>) => sql`
    SELECT t.routing, t.lane, t.priority FROM levels t WHERE ${where} ORDER BY t.routing, t.priority DESC LIMIT 1`
  return sql`
  kind (needs, labels) AS MATERIALIZED (${kinds}),
  visited (key, lane, priority, needs, labels, runs) AS (
    SELECT v.*, k.needs, k.labels, runs_routing_key(v.key, k.needs, k.labels) FROM kind k CROSS JOIN LATERAL (
      ${next(sql`t.routing >= next_routing_key('', k.needs, k.labels)`)}
    ) AS v (key, lane, priority)
    UNION ALL
    SELECT n.*, v.needs, v.labels, runs_routing_key(n.key, v.needs, v.labels) FROM visited v CROSS JOIN LATERAL (
      (${next(sql`v.runs AND t.routing = v.key AND t.priority < v.priority`)})
      UNION ALL
      (${next(sql`t.routing >= ${whereNext(sql, sql`v`)}`)})
      LIMIT 1
    ) AS n (key, lane, priority)
  ), level AS (SELECT key, lane, priority FROM visited WHERE runs)`
}

/** Forgets rows of levels that have newer ones, or have not been used for a day and have no task that is due later. */
export async function forgetLevels(sql: Sql): Promise<void> {
  await sql`
    DELETE FROM levels l USING (
      SELECT o.routing, o.priority FROM levels o WHERE o.used_on < current_date - 1 AND (
        EXISTS (SELECT FROM levels n WHERE n.routing = o.routing AND n.priority = o.priority AND n.used_on >= current_date - 1)
        OR NOT EXISTS (SELECT FROM ready t WHERE ${isClaimable(sql)} AND t.routing = o.routing AND t.priority = o.priority))
      LIMIT 1000
    ) AS old WHERE l.routing = old.routing AND l.priority = old.priority AND l.used_on < current_date - 1`
}

/** Where the walk goes on after `v`: what follows its key comes after the key and a space, which is in no key. */
export const whereNext = (sql: Sql, v: ReturnType<Sql>): ReturnType<Sql> => sql`
  CASE WHEN ${v}.runs THEN ${v}.key || ' ' ELSE next_routing_key(${v}.key, ${v}.needs, ${v}.labels) END`

/** That row `t` of `ready` is of level `l`. */
export const isOfLevel = (sql: Sql) => sql`t.routing = l.key AND t.priority = l.priority`

/** That worker `w` runs what is in `lane`. */
export const isRunBy = (sql: Sql, lane: ReturnType<Sql>) => sql`(
  lane_need(${lane}) = ANY(w.executors) AND lane_labels(${lane}) <@ w.labels)`

/** That the queue of `lane` has a limit, or is paused: then only the governed claim may take from it. */
export const isLimited = (sql: Sql, lane: ReturnType<Sql>) => sql`
  EXISTS (SELECT FROM queues q WHERE q.name = lane_queue(${lane}) COLLATE "C" AND q.limited)`
