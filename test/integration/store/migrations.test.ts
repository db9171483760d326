import { afterAll, expect, test } from 'bun:test'
import { appendFile, cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type Sql } from '../../../src/shared/store/connect.ts'
import { migrate, readMigrations } from '../../../src/shared/store/migrate.ts'
import { createTestDatabase, testServer } from '../../support/database.ts'
import { poolSettings } from '../../support/server.ts'

const SQL_FOLDER = join(import.meta.dir, '..', '..', '..', 'sql')
const pools: Sql[] = []
const databases: string[] = []
const folders: string[] = []

const { template: _, ...server } = testServer()

const admin = connect({ ...server, ...poolSettings, poolMax: 1 })

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end({ timeout: 1 })))
  for (const name of databases) await admin`DROP DATABASE ${admin(name)} WITH (FORCE)`
  await admin.end()
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })))
})

/** An empty database, and pools on it that do nothing else, as migrate() wants them. */
async function emptyDatabase() {
  const database = `test_empty_${crypto.randomUUID().slice(0, 8)}`
  await admin`CREATE DATABASE ${admin(database)} TEMPLATE template0`
  databases.push(database)
  return () => {
    const pool = connect({ ...server, ...poolSettings, poolMax: 1, database })
    pools.push(pool)
    return pool
  }
}

/** A copy of sql/, to be changed. */
async function copyOfMigrations() {
  const folder = await mkdtemp(join(tmpdir(), 'taskmaster-sql-'))
  folders.push(folder)
  await cp(SQL_FOLDER, folder, { recursive: true })
  return folder
}

/** Everything of ours in the catalog, in words, without what depends on when it was made. */
async function schemaOf(sql: Sql): Promise<string[]> {
  const rows = await sql<{ line: string }[]>`
    SELECT line FROM (
      SELECT format('column %s.%s %s %s default %s generated %L', a.attrelid::regclass, a.attname,
          format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attgenerated) AS line
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = to_regnamespace('taskmaster') AND a.attnum > 0 AND NOT a.attisdropped
      UNION ALL
      SELECT format('relation %s %s %s', c.relname, c.relkind, c.reloptions) FROM pg_class c
        WHERE c.relnamespace = to_regnamespace('taskmaster')
      UNION ALL
      SELECT format('constraint %s.%s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
        WHERE connamespace = to_regnamespace('taskmaster')
      UNION ALL
      SELECT pg_get_indexdef(indexrelid) FROM pg_index
        JOIN pg_class c ON c.oid = indexrelid WHERE c.relnamespace = to_regnamespace('taskmaster')
      UNION ALL
      SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = to_regnamespace('taskmaster')
      UNION ALL
      SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
      UNION ALL
      SELECT format('view %s %s', viewname, definition) FROM pg_views WHERE schemaname = 'taskmaster'
    ) AS schema ORDER BY line`
  return rows.map(({ line }) => line)
}

test('any number of services may migrate an empty database at once, and each file is applied once', async () => {
  const open = await emptyDatabase()
  const applied = await Promise.all(Array.from({ length: 20 }, () => migrate(open())))
  const names = (await readMigrations()).map(({ name }) => name)
  expect(applied.filter((done) => done.length > 0)).toEqual([names])
  const rows = await open()<{ name: string }[]>`SELECT name FROM schema_migrations ORDER BY name`
  expect(rows.map(({ name }) => name)).toEqual(names)
})

test('the files run by hand in their order give the same schema', async () => {
  const [migrated, byHand] = [(await emptyDatabase())(), (await emptyDatabase())()]
  await migrate(migrated)
  await migrated`DROP TABLE schema_migrations`
  const files = (await readdir(SQL_FOLDER)).filter((name) => name.endsWith('.sql')).sort()
  await byHand`CREATE SCHEMA taskmaster`
  for (const file of files) await byHand.file(join(SQL_FOLDER, file)).simple()
  const schema = await schemaOf(byHand)
  expect(schema.length).toBeGreaterThan(60)
  expect(await schemaOf(migrated)).toEqual(schema)
})

test('a second migration of the same files changes nothing', async () => {
  const { sql, settings } = await createTestDatabase()
  const own = connect({ ...settings, poolMax: 1 })
  pools.push(own)
  const before = await schemaOf(sql)
  expect(await migrate(own)).toEqual([])
  expect(await schemaOf(sql)).toEqual(before)
})

test('a file that was changed after it was applied is refused by name, and nothing is applied', async () => {
  const open = await emptyDatabase()
  const folder = await copyOfMigrations()
  await migrate(open(), folder)
  await appendFile(join(folder, '0001_baseline.sql'), '\n')
  await Bun.write(join(folder, '9000_later.sql'), 'CREATE TABLE later ()')
  await expect(migrate(open(), folder)).rejects.toMatchObject({
    code: 'conflict',
    message: 'Migration 0001_baseline.sql was changed after it was applied',
  })
  const [row] = await open()`SELECT to_regclass('later') AS later`
  expect(row?.later).toBeNull()
})

test('a database that is newer than the program is refused, naming what is unknown', async () => {
  const open = await emptyDatabase()
  const folder = await copyOfMigrations()
  await Bun.write(join(folder, '9000_later.sql'), 'CREATE TABLE later ()')
  await migrate(open(), folder)
  await expect(migrate(open())).rejects.toMatchObject({
    code: 'conflict',
    message: 'The database has migrations this version does not: 9000_later.sql',
  })
})

test('a file that fails leaves the database as it was, and can be applied once it is mended', async () => {
  const open = await emptyDatabase()
  const folder = await copyOfMigrations()
  await Bun.write(join(folder, '9000_wrong.sql'), 'CREATE TABLE half (); CREATE TABLE half ();')
  await expect(migrate(open(), folder)).rejects.toThrow('already exists')
  expect(await schemaOf(open())).toEqual([])
  await Bun.write(join(folder, '9000_wrong.sql'), 'CREATE TABLE half ();')
  expect((await migrate(open(), folder)).at(-1)).toBe('9000_wrong.sql')
})

test('a file that is added later is applied alone', async () => {
  const open = await emptyDatabase()
  const folder = await copyOfMigrations()
  await migrate(open(), folder)
  await Bun.write(join(folder, '9000_later.sql'), 'CREATE TABLE later ()')
  await Bun.write(join(folder, 'notes.txt'), 'no migration')
  expect(await migrate(open(), folder)).toEqual(['9000_later.sql'])
})
