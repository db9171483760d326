import { afterAll } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { connect, type DatabaseSettings, type Sql } from '../../src/shared/store/connect.ts'
import { poolSettings, type TestServer } from './server.ts'

export interface TestDatabase {
  settings: DatabaseSettings
  sql: Sql
  /** Also done by itself when the test file ends. */
  drop(): Promise<void>
}

const left = new Set<TestDatabase>()

/** A fresh, migrated database of the test's own, with a pool on it. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { template, ...server } = testServer()
  const database = `test_${randomBytes(6).toString('hex')}`
  // Where fsync is off this is quicker than through the write-ahead log, the default.
  await asAdmin(
    server,
    (admin) => admin`CREATE DATABASE ${admin(database)} TEMPLATE ${admin(template)} STRATEGY file_copy`,
  )
  const settings = { ...server, ...poolSettings, database }
  const sql = connect(settings)
  const created: TestDatabase = {
    settings,
    sql,
    async drop() {
      if (!left.delete(created)) return
      await sql.end({ timeout: 1 })
      await asAdmin(server, (admin) => admin`DROP DATABASE ${admin(database)} WITH (FORCE)`)
    },
  }
  left.add(created)
  return created
}

/** The environment that makes a service use that database. */
export function databaseEnv(settings: DatabaseSettings): Record<string, string> {
  return {
    POSTGRES_HOST: settings.host,
    POSTGRES_PORT: String(settings.port),
    POSTGRES_USER: settings.user,
    POSTGRES_PASSWORD: settings.password,
    POSTGRES_DB: settings.database,
  }
}

/** The server itself, for tests that need more than a database of it. */
export function testServer(): TestServer {
  const given = process.env.TASKMASTER_TEST_DATABASE
  if (given) return JSON.parse(given)
  console.error('This test needs the database that `bun run test` starts: use `bun run test <file>` instead.')
  process.exit(1)
}

async function asAdmin(
  server: Omit<TestServer, 'template'>,
  run: (admin: Sql) => Promise<unknown>,
): Promise<void> {
  const admin = connect({ ...server, ...poolSettings, poolMax: 1 })
  await run(admin)
  await admin.end()
}

afterAll(async () => {
  await Promise.all([...left].map((database) => database.drop()))
})
