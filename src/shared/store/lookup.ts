import type { Sql } from './connect.ts'

type Fragment = ReturnType<Sql>

/**
 * That `column`, the first of an index, is `key`: in words that can only be looked up, once for each key. Of a plain `=` the
 * planner may as well walk the whole index and compare all keys with each row of it. That is cheap for a table that was
 * empty when its statistics were last taken, and the plan is kept when it has grown. Then it takes the product of both,
 * and rows are locked in the order of the index instead of that of the keys, so that two statements can wait for each
 * other. What else is compared with the keys must not be `=` either: see `isSame`.
 */
export const isKey = (sql: Sql, column: Fragment, key: Fragment) => sql`${column} = ANY (ARRAY[${key}])`

/** That two values are the same, in words that no index is walked for. */
export const isSame = (sql: Sql, value: Fragment, other: Fragment) =>
  sql`${value} IS NOT DISTINCT FROM ${other}`
