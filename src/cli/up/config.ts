import { resolve } from 'node:path'
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
import { databaseConfig } from '../../shared/store/config.ts'

const settings = {
  TASKMASTER_FOLDER: text('.taskmaster'),
  WORKERS: integer(3, 0, 50),
  SCHEDULER_HOST: text('127.0.0.1'),
  SCHEDULER_PORT: port(8081),
  COORDINATOR_HOST: text('127.0.0.1'),
  COORDINATOR_PORT: port(8080),
  LOG_LEVEL: oneOf('info', LOG_LEVELS),
  ...databaseSettings,
}

/** Settings that the services read and the launcher only passes on. */
const PASSED = [
  ...['WORKER_POOL_SIZE', 'WORKER_LABELS', 'WORKER_ADDRESS', 'WORKER_EXECUTORS', 'TASK_PROCESS_TIME'],
  ...['TASK_HANDLERS', 'HTTP_ALLOW_PRIVATE', 'WORKER_CGROUP'],
  ...[
    'DRAIN_TIMEOUT',
    'SCAN_INTERVAL',
    'LOOKAHEAD',
    'RETRY_BACKOFF',
    'RETRY_BACKOFF_CAP',
    'RECONNECT_WINDOW',
  ],
  ...['HEARTBEAT_INTERVAL', 'MAX_HEARTBEAT_MISSES', 'MAX_LOG_EVENTS', 'REQUEST_TIMEOUT', 'ALLOWED_HOSTS'],
]
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
  const words = args.map((word) => word.replace(/^--folder(?==|$)/, '--taskmaster-folder'))
  const flags = words.filter((word) => word !== '--verbose' && word !== '--watch')
  const names = [...Object.keys(settings), ...PASSED]
  const given = readSettings(Object.fromEntries(names.map((name) => [name, optionalText()])), env, flags)
  const set = Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== null),
  )
  const values = readSettings(settings, set)
  return {
    folder: resolve(values.TASKMASTER_FOLDER),
    workers: values.WORKERS,
    scheduler: { host: values.SCHEDULER_HOST, port: values.SCHEDULER_PORT },
    coordinator: { host: values.COORDINATOR_HOST, port: values.COORDINATOR_PORT },
    /** Null: a database of our own. */
    database: DATABASE_SET_BY.some((name) => name in set) ? databaseConfig(values, 'taskmaster-up') : null,
    pool: databaseConfig({ ...values, DATABASE_URL: null }, 'taskmaster-up'),
    databaseTries: values.DB_MAX_RETRIES,
    verbose: words.includes('--verbose'),
    watch: words.includes('--watch'),
    logLevel: values.LOG_LEVEL,
    /** For the services: the environment, with the settings from the command line in it. */
    env: { ...definedOnly(env), ...set },
  }
}

export type Config = ReturnType<typeof readConfig>

function definedOnly(env: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
