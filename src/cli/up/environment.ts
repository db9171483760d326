import type { DatabaseSettings } from '../../shared/store/connect.ts'
import { DEFAULT_SCHEMA } from '../../shared/store/schema.ts'
import type { Config } from './config.ts'
import type { Address } from './ports.ts'

type Env = Record<string, string>

const DATABASE = /^(DATABASE_URL|POSTGRES_\w+)$/
/** A port or a name cannot be shared by several workers. */
const PER_WORKER = /^(COORDINATOR|COORDINATOR_ADDRESS|WORKER_PORT|WORKER_NAME)$/

export function coordinatorEnv(config: Config, database: DatabaseSettings, { host, port }: Address): Env {
  return { ...databaseEnv(config, database), COORDINATOR_HOST: host, COORDINATOR_PORT: String(port) }
}

export function schedulerEnv(
  config: Config,
  database: DatabaseSettings,
  { host, port }: Address,
  coordinator: Address,
): Env {
  return {
    ...databaseEnv(config, database),
    SCHEDULER_HOST: host,
    SCHEDULER_PORT: String(port),
    COORDINATOR_ADDRESS: reachable(coordinator),
  }
}

/** A worker is given no way into the database. */
export function workerEnv(config: Config, name: string, coordinator: Address): Env {
  const env = without(serviceEnv(config), DATABASE, PER_WORKER)
  const port = workerPort(config.env.WORKER_PORT, name)
  return { ...env, WORKER_NAME: name, WORKER_PORT: port, COORDINATOR_ADDRESS: reachable(coordinator) }
}

/** The first worker has the port that was given, and each further one the next. */
function workerPort(given: string | undefined, name: string): string {
  const first = Number(given?.replace(/^:/, '') || 0)
  return first > 0 ? String(first + Number(/\d+$/.exec(name)?.[0] ?? 1) - 1) : (given ?? '0')
}

/** Where something that listens there is reached from this machine: `host:port`. */
export function reachable({ host, port }: Address): string {
  if (host === '0.0.0.0' || host === '127.0.0.1') return `localhost:${port}`
  if (host === '::') return `[::1]:${port}`
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function databaseEnv(config: Config, database: DatabaseSettings): Env {
  return {
    ...without(serviceEnv(config), DATABASE, PER_WORKER),
    POSTGRES_HOST: database.host,
    POSTGRES_PORT: String(database.port),
    POSTGRES_USER: database.user,
    POSTGRES_PASSWORD: database.password,
    POSTGRES_DB: database.database,
    DB_SCHEMA: database.schema ?? DEFAULT_SCHEMA,
  }
}

/** The launcher waits for lines of level info, so services log them whatever is shown of them. */
function serviceEnv({ env, logLevel }: Config): Env {
  return { ...env, LOG_LEVEL: ['trace', 'debug'].includes(logLevel) ? logLevel : 'info' }
}

function without(env: Env, ...patterns: RegExp[]): Env {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !patterns.some((pattern) => pattern.test(name))),
  )
}
