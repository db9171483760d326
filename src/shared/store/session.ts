import type { Log } from '../log.ts'
import type { Sql } from './connect.ts'

/**
 * What a session of ours depends on beside its search_path, which `connect` sets, whatever the role, the database or the server is set to. Sent as parameters of the
 * startup message, which win over `ALTER ROLE … SET` and `ALTER DATABASE … SET` and cost no round trip. A pooler that shares
 * sessions, such as PgBouncer, refuses those that it does not know, unless its `ignore_startup_parameters` names them; the
 * role has to be set to them then. All of these are known to every PostgreSQL from 13 on, and any role may set them.
 */
export const SESSION_SETTINGS = {
  // How values are written and read.
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  client_encoding: 'UTF8',
  extra_float_digits: '1',
  bytea_output: 'hex',
  array_nulls: 'on',
  standard_conforming_strings: 'on',
  transform_null_equals: 'off',
  lc_numeric: 'C',
  // What a statement and a transaction mean. `on` is as much as an acknowledgement promises: what is committed is on disk,
  // and on the disks of synchronous standbys; more would only make it visible there.
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  synchronous_commit: 'on',
  lock_timeout: '0',
  exit_on_error: 'off',
  row_security: 'on',
  gin_fuzzy_search_limit: '0',
  client_min_messages: 'warning',
  // Plans: every hot statement looks rows up by key or walks along an index. The planner cannot know that: it guesses how
  // long an array is and what a LIMIT will be, and a plan made while the table was empty stays until the next ANALYZE. So
  // plans are generic, and scans and joins that read a whole table are a last resort.
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  enable_nestloop: 'on',
  enable_indexscan: 'on',
  enable_indexonlyscan: 'on',
  enable_bitmapscan: 'on',
  enable_material: 'on',
  enable_sort: 'on',
  from_collapse_limit: '8',
  join_collapse_limit: '8',
  jit: 'off',
} as const

/*
 * Left alone on purpose:
 * - default_transaction_read_only: an administrator, or a provider whose disk is full, wants nothing to be written. Writes
 *   then wait, and are told as such.
 * - default_tablespace, default_table_access_method, temp_tablespaces: where things lie.
 * - work_mem and its like, costs, parallelism, logging, tcp_*: they decide how fast, not what.
 */

/** What may not be sent at the start, because only a superuser may set it, or older servers do not know it. */
const EXPECTED = {
  session_replication_role: 'origin',
  transaction_timeout: '0',
  idle_session_timeout: '0',
  restrict_nonsystem_relation_kind: '',
}

/**
 * Names the settings of this session that are in the way.
 *
 * @returns `fatal` for what makes writes wrong without a word: no trigger fires
 */
export async function findWrongSettings(
  sql: Sql,
): Promise<{ name: string; value: string; expected: string; isFatal: boolean }[]> {
  const rows = await sql<{ name: string; value: string | null }[]>`
    SELECT name, current_setting(name, true) AS value FROM unnest(${Object.keys(EXPECTED)}::text[]) AS name`
  return rows.flatMap(({ name, value }) => {
    const expected = EXPECTED[name as keyof typeof EXPECTED]
    if (value === null || value === expected) return []
    return [{ name, value, expected, isFatal: name === 'session_replication_role' }]
  })
}

/**
 * Logs the settings of the role that are in the way, with what to do.
 *
 * @returns false when the service must not start
 */
export async function checkSettings(sql: Sql, log: Log): Promise<boolean> {
  const wrong = await findWrongSettings(sql)
  for (const { name, value, expected, isFatal } of wrong) {
    const advice = `ALTER ROLE … RESET ${name}, or ALTER DATABASE … RESET ${name}`
    const message = `The database sets ${name} to '${value}' for this role; TaskMaster needs '${expected}'. Use ${advice}.`
    if (isFatal) log.fatal(message)
    else log.warn(message)
  }
  return wrong.every(({ isFatal }) => !isFatal)
}
