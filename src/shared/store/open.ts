import type { Log } from '../log.ts'
import { connect, type DatabaseSettings, type Sql, waitForDatabase } from './connect.ts'
import { migrate } from './migrate.ts'
import { checkSettings } from './session.ts'

const PAUSE_MS = 5000

/**
 * Waits for the database and brings its schema up to date; exits the process when it does not answer after
 * so many tries, or is of another version. The log lines are the ones operators look for.
 */
export async function openDatabase(
  sql: Sql,
  settings: DatabaseSettings,
  tries: number,
  log: Log,
): Promise<void> {
  try {
    await waitForDatabase(sql, tries, PAUSE_MS, (error) => {
      log.warn(
        { reason: (error as Error).message },
        'Failed to connect to the database. Retrying in 5 seconds...',
      )
    })
  } catch (error) {
    log.fatal({ err: error }, `Ran out of retries to connect to database (${tries})`)
    process.exit(1)
  }
  const own = connect({ ...settings, poolMax: 1 })
  try {
    if (!(await checkSettings(own, log))) process.exit(1)
    const applied = await migrate(own)
    if (applied.length > 0) log.info({ applied }, 'Migrated the database')
  } catch (error) {
    log.fatal({ err: error }, 'Could not migrate the database')
    process.exit(1)
  } finally {
    await own.end({ timeout: 1 })
  }
  log.info('Connected to the database.')
}
