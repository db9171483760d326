import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { AppError } from '../core/error.ts'
import type { Sql } from './connect.ts'

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
 * Applies what is missing, one transaction each, under an advisory lock, so that any number of services may
 * start at once. Uses connections of its own: a pool that serves other queries can lose a BEGIN.
 *
 * @param sql a pool that does nothing else
 * @returns the names of the migrations applied now
 * @throws `conflict` when an applied file has changed since, or the database is newer than this program
 */
export async function migrate(sql: Sql, folder = FOLDER): Promise<string[]> {
  const migrations = await readMigrations(folder)
  return await sql.begin(async (tx) => {
    await tx`SET LOCAL statement_timeout = 0`
    await tx`SELECT pg_advisory_xact_lock(${LOCK})`
    await tx`
      CREATE TABLE IF NOT EXISTS schema_migrations (
        name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
      )`
    const applied = new Map(
      (await tx<{ name: string; checksum: string }[]>`SELECT name, checksum FROM schema_migrations`).map(
        (row) => [row.name, row.checksum],
      ),
    )
    const known = new Set(migrations.map(({ name }) => name))
    const unknown = [...applied.keys()].filter((name) => !known.has(name))
    if (unknown.length > 0) {
      throw new AppError(
        'conflict',
        `The database has migrations this version does not: ${unknown.join(', ')}`,
      )
    }
    const done: string[] = []
    for (const { name, text, checksum } of migrations) {
      const before = applied.get(name)
      if (before === checksum) continue
      if (before) throw new AppError('conflict', `Migration ${name} was changed after it was applied`)
      await tx.savepoint(async (step) => {
        await step.unsafe(text)
        await step`INSERT INTO schema_migrations (name, checksum) VALUES (${name}, ${checksum})`
      })
      done.push(name)
    }
    return done
  })
}
