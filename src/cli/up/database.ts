import { join } from 'node:path'
import { AppError } from '../../shared/core/error.ts'
import { connect, type DatabaseSettings, type Sql, waitForDatabase } from '../../shared/store/connect.ts'
import { grantToRole, migrate, printMigration } from '../../shared/store/migrate.ts'
import { DEFAULT_SCHEMA } from '../../shared/store/schema.ts'
import type { Config } from './config.ts'
import { writeFor } from './password.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './postgres.ts'
import { restartDelayMs } from './restart.ts'

/** Services that outlive a killed launcher settle what they hold meanwhile. */
const LINGER_SECONDS = 10
const PAUSE_MS = 5000

export interface Database {
  settings: DatabaseSettings
  stop(): Promise<void>
}

export interface Narrator {
  onProgress: (what: string) => void
  onLog: (line: string) => void
}

/** The database that is configured, or one of our own, which is started again should it end. */
export async function openDatabase(config: Config, narrator: Narrator): Promise<Database> {
  if (config.database) return { settings: config.database, stop: async () => {} }
  const start = (port?: number) =>
    startEmbeddedPostgres({
      folder: config.folder,
      ...(port && { port }),
      lingerSeconds: LINGER_SECONDS,
      ...narrator,
    })
  let postgres = await start()
  await writeUrl(config.folder, postgres.settings, config.pool.schema ?? DEFAULT_SCHEMA)
  let stopping = false
  watch(postgres)

  function watch(server: EmbeddedPostgres) {
    server.exited.then(async () => {
      for (let tries = 0; !stopping; tries++) {
        narrator.onProgress('PostgreSQL ended; starting it again')
        try {
          postgres = await start(server.settings.port)
          if (stopping) await postgres.stop()
          else watch(postgres)
          return
        } catch (error) {
          narrator.onProgress((error as Error).message)
          await Bun.sleep(restartDelayMs(tries, Math.random()))
        }
      }
    })
  }

  return {
    settings: { ...config.pool, ...postgres.settings },
    async stop() {
      stopping = true
      await postgres.stop()
    },
  }
}

/** For people: `psql "$(cat .taskmaster/database-url)"`. Its owner alone may read it. */
async function writeUrl(
  folder: string,
  settings: EmbeddedPostgres['settings'],
  schema: string,
): Promise<void> {
  const { user, password, host, port, database } = settings
  const url = `postgres://${user}:${password}@${host}:${port}/${database}?options=-csearch_path%3Dpublic,${schema}\n`
  await writeFor(null, join(folder, 'database-url'), url)
}

/**
 * Waits for the database and brings its schema up to date.
 *
 * @returns the names of the migrations applied now
 * @throws `unavailable` when it does not answer
 */
export function migrateDatabase(
  settings: DatabaseSettings,
  tries: number,
  onProgress: (what: string) => void,
): Promise<string[]> {
  return withDatabase(settings, tries, onProgress, migrate)
}

/** What migrating would do, as a text for psql; empty when nothing is to be done. */
export function describeMigration(
  settings: DatabaseSettings,
  tries: number,
  onProgress: (what: string) => void,
): Promise<string> {
  return withDatabase(settings, tries, onProgress, printMigration)
}

/** Lets a role do what services do, and nothing else. */
export function allowServices(
  settings: DatabaseSettings,
  role: string,
  onProgress: (what: string) => void,
): Promise<void> {
  return withDatabase(settings, 1, onProgress, (sql) => grantToRole(sql, role))
}

async function withDatabase<T>(
  settings: DatabaseSettings,
  tries: number,
  onProgress: (what: string) => void,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const sql = connect({ ...settings, poolMax: 1 })
  try {
    await waitForDatabase(sql, tries, PAUSE_MS, () =>
      onProgress('Failed to connect to the database. Retrying in 5 seconds...'),
    )
    return await work(sql)
  } catch (error) {
    if (error instanceof AppError) throw error
    const { host, port, database } = settings
    const reason = (error as Error).message || (error as { code?: string }).code
    throw new AppError(
      'unavailable',
      `the database ${database} on ${host}:${port} cannot be used: ${reason}`,
      {
        cause: error,
      },
    )
  } finally {
    await sql.end({ timeout: 1 })
  }
}
