import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { AppError } from '../core/error.ts'
import type { Sql } from './connect.ts'
import { quoted, schemaOf } from './schema.ts'

const FOLDER = `${import.meta.dir}/../../../sql`
/** Any number, as long as every service takes the same. */
const LOCK = 7_205_759_403

export interface Migration {
  name: string
  text: string
  checksum: string
}

/** The numbered files of `sql/`, in order. */
export async function readMigrations(folder = FOLDER): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}_\w+\.sql$/.test(name)).sort()
  return Promise.all(
    names.map(async (name) => {
      const text = await Bun.file(`${folder}/${name}`).text()
      return { name, text, checksum: createHash('sha256').update(text).digest('hex') }
    }),
  )
}

/**
 * Applies what is missing, in one transaction, under an advisory lock, so that any number of services may
 * start at once. Uses connections of its own: a pool that serves other queries can lose a BEGIN. Where nothing is missing,
 * nothing is written: then a role will do that may not create anything.
 *
 * @param sql a pool that does nothing else; its schema is made when it is missing
 * @returns the names of the migrations applied now
 * @throws `conflict` when an applied file has changed since, the database is newer than this program, or
 *   something is missing that this role may not make
 */
export async function migrate(sql: Sql, folder = FOLDER): Promise<string[]> {
  const migrations = await readMigrations(folder)
  const schema = schemaOf(sql)
  try {
    return await sql.begin(async (tx) => {
      await tx`SET LOCAL statement_timeout = 0`
      await tx`SELECT pg_advisory_xact_lock(${LOCK})`
      const missing = await findMissing(tx as unknown as Sql, schema, migrations)
      if (missing.length === 0) return []
      await tx.unsafe(preparation(schema))
      for (const { name, text, checksum } of missing) {
        await tx.savepoint(async (step) => {
          await step.unsafe(text)
          await step`INSERT INTO schema_migrations (name, checksum) VALUES (${name}, ${checksum})`
        })
      }
      return missing.map(({ name }) => name)
    })
  } catch (error) {
    if ((error as { code?: unknown }).code !== NO_PERMISSION) throw error
    const message = `Migrations are missing in schema ${schema}, and this role may not apply them: run \`taskmaster migrate\` as the owner, with \`--grant-to\` this role`
    throw new AppError('conflict', message, { cause: error })
  }
}

const NO_PERMISSION = '42501'

const preparation = (schema: string) => `
  CREATE SCHEMA IF NOT EXISTS ${quoted(schema)};
  CREATE TABLE IF NOT EXISTS ${quoted(schema)}.schema_migrations (
    name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
  );`

async function findMissing(sql: Sql, schema: string, migrations: Migration[]): Promise<Migration[]> {
  const [found] = await sql<{ there: boolean }[]>`
    SELECT EXISTS (
      SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = ${schema} AND c.relname = 'schema_migrations') AS there`
  if (!found?.there) return migrations
  const rows = await sql<{ name: string; checksum: string }[]>`SELECT name, checksum FROM schema_migrations`
  const applied = new Map(rows.map(({ name, checksum }) => [name, checksum]))
  const known = new Set(migrations.map(({ name }) => name))
  const unknown = [...applied.keys()].filter((name) => !known.has(name))
  if (unknown.length > 0) {
    throw new AppError('conflict', `The database has migrations this version does not: ${unknown.join(', ')}`)
  }
  return migrations.filter(({ name, checksum }) => {
    const before = applied.get(name)
    if (before !== undefined && before !== checksum) {
      throw new AppError('conflict', `Migration ${name} was changed after it was applied`)
    }
    return before === undefined
  })
}

/** What `migrate` would do now, as a text for psql. */
export async function printMigration(sql: Sql, folder = FOLDER): Promise<string> {
  const schema = schemaOf(sql)
  const missing = await findMissing(sql, schema, await readMigrations(folder))
  if (missing.length === 0) return ''
  const steps = missing.map(
    ({ name, text, checksum }) =>
      `-- ${name}\n${text.trim()}\nINSERT INTO schema_migrations (name, checksum) VALUES ('${name}', '${checksum}');\n`,
  )
  return `BEGIN;\n${preparation(schema)}\nSET LOCAL search_path = ${quoted(schema)};\n\n${steps.join('\n')}\nCOMMIT;\n`
}

/**
 * Lets a role do what services do and nothing else: read and write the tables, and call the functions.
 *
 * @throws `not_found` when there is no such role
 */
export async function grantToRole(sql: Sql, role: string): Promise<void> {
  const [found] = await sql`SELECT FROM pg_catalog.pg_roles WHERE rolname = ${role}`
  if (!found) throw new AppError('not_found', `There is no role named ${role}`)
  const [schema, to] = [sql(schemaOf(sql)), sql(role)]
  await sql`GRANT USAGE ON SCHEMA ${schema} TO ${to}`
  await sql`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${to}`
  await sql`GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${schema} TO ${to}`
  await sql`GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${schema} TO ${to}`
}
