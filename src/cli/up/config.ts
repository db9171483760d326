import { resolve } from 'node:path'
import { AppError } from '../../shared/core/error.ts'
import {
  databaseSettings,
  integer,
  LOG_LEVELS,
  oneOf,
  optionalText,
  port,
  readSettings,
  text,
} from '../../shared/settings.ts'
import { settingsOf } from '../../shared/settings-table.ts'
import { databaseConfig } from '../../shared/store/config.ts'

export const settings = {
  TASKMASTER_FOLDER: text('.taskmaster'),
  WORKERS: integer(3, 0, 50),
  SCHEDULER_HOST: text('127.0.0.1'),
  SCHEDULER_PORT: port(8081),
  COORDINATOR_HOST: text('127.0.0.1'),
  COORDINATOR_PORT: port(8080),
  LOG_LEVEL: oneOf('info', LOG_LEVELS),
  ...databaseSettings,
}

/** What the launcher decides by itself, so that it cannot be told. */
const DECIDED = ['COORDINATOR_ADDRESS', 'COORDINATOR']
/** Settings that may be given: its own, and those that it passes on to its services. */
const GIVEN = settingsOf('up')
  .map(({ name }) => name)
  .filter((name) => !DECIDED.includes(name))
const DATABASE_SET_BY = [
  'DATABASE_URL',
  ...Object.keys(databaseSettings).filter((name) => /^POSTGRES_/.test(name)),
]

/**
 * The launcher's settings from the environment and the command line.
 *
 * @throws `invalid` naming all that are wrong
 */
export function readConfig(env: Record<string, string | undefined>, args: string[]) {
  const flags = args.filter((word) => word !== '--verbose' && word !== '--watch')
  refuseDecided(flags)
  const given = readSettings(Object.fromEntries(GIVEN.map((name) => [name, optionalText()])), env, flags)
  const set = Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== null),
  )
  const values = readSettings(settings, set)
  return {
    folder: resolve(values.TASKMASTER_FOLDER),
    workers: values.WORKERS,
    /** What the names of its workers begin with. */
    workerName: set.WORKER_NAME ?? 'worker',
    scheduler: { host: values.SCHEDULER_HOST, port: values.SCHEDULER_PORT },
    coordinator: { host: values.COORDINATOR_HOST, port: values.COORDINATOR_PORT },
    /** Null: a database of our own. */
    database: DATABASE_SET_BY.some((name) => name in set) ? databaseConfig(values, 'taskmaster-up') : null,
    pool: databaseConfig({ ...values, DATABASE_URL: null }, 'taskmaster-up'),
    databaseTries: values.DB_MAX_RETRIES,
    verbose: args.includes('--verbose'),
    watch: args.includes('--watch'),
    logLevel: values.LOG_LEVEL,
    /** For the services: the environment, with the settings from the command line in it. */
    env: { ...definedOnly(env), ...set },
  }
}

export type Config = ReturnType<typeof readConfig>

function refuseDecided(flags: string[]): void {
  const refused = flags.find((flag) => /^--?(coordinator|coordinator-address|master)(=|$)/.test(flag))
  if (!refused) return
  const flag = refused.split('=')[0]
  const instead = `bun src/worker/main.ts ${flag} <host:port>`
  throw new AppError(
    'invalid',
    `Wrong settings: ${flag} is not for up, which starts a coordinator of its own. For workers of another: ${instead}`,
  )
}

function definedOnly(env: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
