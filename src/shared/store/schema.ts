import type { Sql } from './connect.ts'

/** The schema that the tables are in, where nothing else is said. */
export const DEFAULT_SCHEMA = 'taskmaster'

/** What stands for itself in SQL, unquoted, and leaves room for the rest of a channel's name. */
const NAME = /^(?!pg_)[a-z_][a-z0-9_]{0,39}$/

export const isSchemaName = (name: string): boolean => NAME.test(name)

export const SCHEMA_NAME_HELP =
  'at most 40 lower-case letters, digits and underscores, beginning with a letter or an underscore and not with pg_'

/** As an identifier: a name of these letters may still be a word of SQL, such as user. */
export const quoted = (name: string): string => `"${name}"`

/** The schema of the sessions of a pool. */
export function schemaOf(sql: Sql): string {
  return String(sql.options.connection.search_path).slice(1, -1)
}
