import { hostname } from 'node:os'
import {
  commonSettings,
  duration,
  heartbeatSettings,
  integer,
  list,
  optionalText,
  port,
  readSettings,
} from '../shared/settings.ts'

const settings = {
  ...commonSettings,
  ...heartbeatSettings,
  COORDINATOR: list([]),
  COORDINATOR_ADDRESS: list([]),
  WORKER_ADDRESS: optionalText(),
  WORKER_PORT: port(0),
  WORKER_NAME: optionalText(),
  WORKER_LABELS: list([]),
  WORKER_POOL_SIZE: integer(5, 1, 1024),
  TASK_PROCESS_TIME: duration(5000, 0),
  DRAIN_TIMEOUT: duration(30_000),
  SIMULATE_HISTORY: optionalText(),
  ALIVE_FILE: optionalText(),
}

/** The worker's settings from the environment and the command line; see README.md for each. */
export function readConfig(env: Record<string, string | undefined>, args: string[]) {
  const values = readSettings(settings, env, args)
  const id = crypto.getRandomValues(new Uint32Array(1))[0] as number
  const coordinators = [...values.COORDINATOR_ADDRESS, ...values.COORDINATOR]
  return {
    id,
    name: values.WORKER_NAME ?? `${hostname()}-${process.pid}`,
    coordinators: coordinators.length > 0 ? coordinators : ['localhost:8080'],
    /** host, or host:port, that coordinators that push are told; null: this host's name. */
    address: values.WORKER_ADDRESS,
    port: values.WORKER_PORT,
    labels: values.WORKER_LABELS,
    slots: values.WORKER_POOL_SIZE,
    processTimeMs: values.TASK_PROCESS_TIME,
    historyFile: values.SIMULATE_HISTORY,
    /** A file that is touched every 5 s; null: none. */
    aliveFile: values.ALIVE_FILE,
    heartbeatIntervalMs: values.HEARTBEAT_INTERVAL,
    /** ms of silence after which a coordinator is taken for dead: a beat before this worker's own lease ends. */
    silenceMs: values.HEARTBEAT_INTERVAL * Math.max(1, values.MAX_HEARTBEAT_MISSES - 1.5),
    drainTimeoutMs: values.DRAIN_TIMEOUT,
    logLevel: values.LOG_LEVEL,
  }
}

export type Config = ReturnType<typeof readConfig>
