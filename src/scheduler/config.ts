import {
  commonSettings,
  databaseSettings,
  duration,
  heartbeatSettings,
  integer,
  list,
  oneOf,
  optionalRange,
  port,
  readSettings,
  text,
} from '../shared/settings.ts'
import { databaseConfig } from '../shared/store/config.ts'
import type { DatabaseSettings } from '../shared/store/connect.ts'
import type { Policy } from './autoscale/decide.ts'
import { allowedHosts } from './rest/hosts.ts'
import { LIMITS } from './schemas.ts'

export interface Config {
  logLevel: string
  host: string
  /** 0 means any free one. */
  port: number
  /** The names by which it may be called; null: any. */
  hosts: ReadonlySet<string> | null
  coordinators: string[]
  maxLogEvents: number
  requestTimeoutMs: number
  /** ms of silence after which a worker is gone. */
  silenceMs: number
  /** Where workers are started and killed: by the launcher that started us, or not by us. */
  fleet: 'process' | 'none'
  /** How the number of workers is kept; null: by people. */
  autoscale: Policy | null
  database: DatabaseSettings
  databaseTries: number
}

const settings = {
  ...commonSettings,
  ...databaseSettings,
  ...heartbeatSettings,
  SCHEDULER_HOST: text('127.0.0.1'),
  SCHEDULER_PORT: port(8081),
  ALLOWED_HOSTS: list([]),
  COORDINATOR_ADDRESS: list([]),
  COORDINATOR: list([]),
  MAX_LOG_EVENTS: integer(250, 1, 100_000),
  REQUEST_TIMEOUT: duration(15_000),
  FLEET: oneOf('detect', ['detect', 'process', 'none']),
  AUTOSCALE: optionalRange(1, LIMITS.workers),
  AUTOSCALE_TARGET_WAIT: duration(10_000),
  AUTOSCALE_COOL_DOWN: duration(60_000, 0),
}

/**
 * @param hasLauncher whether this process was started with an IPC channel
 * @throws `invalid` naming every setting that is wrong
 */
export function readConfig(
  env: Record<string, string | undefined>,
  args: string[],
  hasLauncher: boolean,
): Config {
  const values = readSettings(settings, env, args)
  const coordinators = [values.COORDINATOR_ADDRESS, values.COORDINATOR].find((given) => given.length > 0)
  const detected = hasLauncher ? 'process' : 'none'
  return Object.freeze({
    logLevel: values.LOG_LEVEL,
    host: values.SCHEDULER_HOST,
    port: values.SCHEDULER_PORT,
    hosts: allowedHosts(values.SCHEDULER_HOST, values.ALLOWED_HOSTS),
    coordinators: coordinators ?? ['localhost:8080'],
    maxLogEvents: values.MAX_LOG_EVENTS,
    requestTimeoutMs: values.REQUEST_TIMEOUT,
    silenceMs: values.HEARTBEAT_INTERVAL * values.MAX_HEARTBEAT_MISSES,
    fleet: values.FLEET === 'detect' ? detected : values.FLEET,
    autoscale: values.AUTOSCALE && {
      ...values.AUTOSCALE,
      targetWaitMs: values.AUTOSCALE_TARGET_WAIT,
      coolDownMs: values.AUTOSCALE_COOL_DOWN,
    },
    database: databaseConfig(values, 'taskmaster-scheduler'),
    databaseTries: values.DB_MAX_RETRIES,
  })
}
