import { afterAll } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/cli/up/postgres.ts'
import { connect, type DatabaseSettings, type Sql } from '../../src/shared/store/connect.ts'
import { migrate } from '../../src/shared/store/migrate.ts'
import type { TestDatabase } from './database.ts'
import { poolSettings } from './server.ts'

export interface OwnServer extends EmbeddedPostgres {
  /** A migrated database that belongs to a role of its own, which is no superuser. */
  createDatabase(name: string, tablespace?: string): Promise<TestDatabase>
  /** A superuser in its own database, `postgres`. */
  admin: Sql
  /** Another session, in any database, as the superuser. */
  open(database: string): Sql
}

const stops: (() => Promise<unknown>)[] = []

/** A PostgreSQL server of the test's own, for what concerns a whole server; it ends with the test file. */
export async function startOwnServer(
  settings: Record<string, string> = {},
  parent = tmpdir(),
): Promise<OwnServer> {
  const folder = await mkdtemp(join(parent, 'taskmaster-server-'))
  const server = await startEmbeddedPostgres({
    folder,
    settings: { fsync: 'off', shared_buffers: '32MB', ...settings },
  })
  stops.push(async () => {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  })
  const open = (database: string, more: Partial<DatabaseSettings> = {}) => {
    const sql = connect({ ...server.settings, ...poolSettings, database, ...more })
    stops.push(() => sql.end({ timeout: 0 }).catch(() => {}))
    return sql
  }
  const admin = open('postgres')
  return {
    ...server,
    admin,
    open: (database) => open(database, { poolMax: 1 }),
    async createDatabase(name, tablespace = 'pg_default') {
      const role = { user: name, password: 'secret' }
      await admin.unsafe(`CREATE ROLE ${name} LOGIN PASSWORD 'secret'`)
      await admin.unsafe(`CREATE DATABASE ${name} OWNER ${name} TABLESPACE ${tablespace}`)
      const settings = { ...server.settings, ...poolSettings, database: name, ...role }
      const once = connect({ ...settings, poolMax: 1 })
      await migrate(once)
      await once.end()
      return { settings, sql: open(name, role), drop: async () => {} }
    },
  }
}

afterAll(async () => {
  for (const stop of stops.reverse()) await stop()
})
