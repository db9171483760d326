import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { EXECUTORS } from '../shared/core/task.ts'
import {
  commonSettings,
  duration,
  heartbeatSettings,
  integer,
  list,
  networks,
  optionalText,
  port,
  readSettings,
  taskLogSettings,
  words,
} from '../shared/settings.ts'

export const settings = {
  ...commonSettings,
  ...taskLogSettings,
  ...heartbeatSettings,
  COORDINATOR: list([]),
  COORDINATOR_ADDRESS: list([]),
  WORKER_ADDRESS: optionalText(),
  WORKER_PORT: port(0),
  WORKER_NAME: optionalText(),
  WORKER_LABELS: list([]),
  WORKER_POOL_SIZE: integer(5, 1, 1024),
  WORKER_EXECUTORS: words(EXECUTORS),
  WORKER_CGROUP: optionalText(),
  TASK_HANDLERS: optionalText(),
  HTTP_ALLOW_PRIVATE: networks(),
  TASK_PROCESS_TIME: duration(5000, 0),
  DRAIN_TIMEOUT: duration(30_000),
  SIMULATE_HISTORY: optionalText(),
  ALIVE_FILE: optionalText(),
}

/** The worker's settings from the environment and the command line; see README.md for each. */
export function readConfig(env: Record<string, string | undefined>, args: string[]) {
  const values = readSettings(settings, env, args)
  // Coordinators of others keep ids in a signed integer: none from the upper half of uint32, and no 0.
  const id = 1 + ((crypto.getRandomValues(new Uint32Array(1))[0] as number) % 0x7fff_ffff)
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
    /** What the slots are started with. */
    settings: {
      processTimeMs: values.TASK_PROCESS_TIME,
      historyFile: values.SIMULATE_HISTORY,
      executors: values.WORKER_EXECUTORS ?? defaultExecutors(values.TASK_HANDLERS),
      handlers: values.TASK_HANDLERS && resolve(values.TASK_HANDLERS),
      allowPrivate: values.HTTP_ALLOW_PRIVATE,
      shellEnv: { PATH: env.PATH || '/usr/local/bin:/usr/bin:/bin', LANG: env.LANG || 'C.UTF-8' },
      cgroup: values.WORKER_CGROUP,
    },
    /** A file that is touched every 5 s; null: none. */
    aliveFile: values.ALIVE_FILE,
    heartbeatIntervalMs: values.HEARTBEAT_INTERVAL,
    /** ms of silence after which a coordinator is taken for dead: a beat before this worker's own lease ends. */
    silenceMs: values.HEARTBEAT_INTERVAL * Math.max(1, values.MAX_HEARTBEAT_MISSES - 1.5),
    drainTimeoutMs: values.DRAIN_TIMEOUT,
    /** Lines about single tasks, of each kind in a second. */
    taskLogs: values.TASK_LOGS,
    logLevel: values.LOG_LEVEL,
  }
}

/** A shell is only for those who ask for it: an open port must not be one. */
const defaultExecutors = (handlers: string | null) => ['simulate', 'http', ...(handlers ? ['function'] : [])]

export type Config = ReturnType<typeof readConfig>
