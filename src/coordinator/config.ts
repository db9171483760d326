import {
  commonSettings,
  databaseSettings,
  duration,
  durationOrOff,
  heartbeatSettings,
  integer,
  networks,
  optionalAge,
  port,
  readSettings,
  taskLogSettings,
  text,
} from '../shared/settings.ts'
import { databaseConfig } from '../shared/store/config.ts'

export const settings = {
  ...commonSettings,
  ...taskLogSettings,
  ...databaseSettings,
  ...heartbeatSettings,
  COORDINATOR_HOST: text('127.0.0.1'),
  COORDINATOR_PORT: port(8080),
  SCAN_INTERVAL: duration(10_000),
  LOOKAHEAD: duration(30_000),
  RETRY_BACKOFF: duration(1000),
  RETRY_BACKOFF_CAP: duration(300_000),
  RECONNECT_WINDOW: duration(300),
  MAX_LOST_ATTEMPTS: integer(5, 1, 32_767),
  MAX_WORKER_SLOTS: integer(256, 1, 1024),
  TASK_RETENTION: optionalAge(),
  PUSH_ALLOW: networks(),
  PRIORITY_AGEING: durationOrOff(30_000),
}

/** The coordinator's settings from the environment and the command line; see README.md for each. */
export function readConfig(env: Record<string, string | undefined>, args: string[]) {
  const values = readSettings(settings, env, args)
  return {
    database: databaseConfig(values, 'taskmaster-coordinator'),
    databaseTries: values.DB_MAX_RETRIES,
    host: values.COORDINATOR_HOST,
    port: values.COORDINATOR_PORT,
    scanIntervalMs: values.SCAN_INTERVAL,
    lookAheadMs: values.LOOKAHEAD,
    retryBackoff: { baseMs: values.RETRY_BACKOFF, capMs: values.RETRY_BACKOFF_CAP },
    /** ms after which a silent worker is gone. */
    silenceMs: values.HEARTBEAT_INTERVAL * values.MAX_HEARTBEAT_MISSES,
    heartbeatIntervalMs: values.HEARTBEAT_INTERVAL,
    reconnectMs: values.RECONNECT_WINDOW,
    /** How many workers a task may lose before it fails. */
    maxLosses: values.MAX_LOST_ATTEMPTS,
    /** Slots of a worker that count, whatever it says. */
    maxWorkerSlots: values.MAX_WORKER_SLOTS,
    /** ms that ended tasks are kept; null: for good. */
    retentionMs: values.TASK_RETENTION,
    /** ms after which a due task may be given a place whatever its priority; null: never. */
    ageingMs: values.PRIORITY_AGEING,
    /** Networks in which workers that are pushed to may be, besides their own addresses. */
    pushAllow: values.PUSH_ALLOW,
    /** Lines about single tasks, of each kind in a second. */
    taskLogs: values.TASK_LOGS,
    logLevel: values.LOG_LEVEL,
  }
}

export type Config = ReturnType<typeof readConfig>
