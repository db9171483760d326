import {
  commonSettings,
  databaseSettings,
  duration,
  heartbeatSettings,
  integer,
  list,
  oneOf,
  optionalRange,
  optionalText,
  port,
  readSettings,
  taskLogSettings,
  text,
} from '../shared/settings.ts'
import { databaseConfig } from '../shared/store/config.ts'
import type { DatabaseSettings } from '../shared/store/connect.ts'
import type { Policy } from './autoscale/decide.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { type AllowedHosts, allowedHosts } from './rest/hosts.ts'
import { type AllowedOrigins, origins } from './rest/origin.ts'
import { LIMITS } from './schemas.ts'

export interface Config {
  taskLogs: number
  logLevel: string
  host: string
  /** 0 means any free one. */
  port: number
  /** The names by which it may be called; null: any. */
  hosts: AllowedHosts | null
  /** Other sites whose pages may use it. */
  origins: AllowedOrigins
  /** How people run the command line; null: `bun run taskmaster`, which is told where the scheduler is. */
  commandLine: string | null
  coordinators: string[]
  /** Whether tasks that are due now are handed to a coordinator. */
  express: boolean
  maxLogEvents: number
  requestTimeoutMs: number
  limits: Limits
  /** ms of silence after which a worker is gone. */
  silenceMs: number
  /** Where workers are started and killed; `docker` is compose or swarm, as the engine says. */
  fleet: FleetKind
  /** The Compose project or Swarm stack of the workers; null: this container's own. */
  fleetProject: string | null
  /** The service, or the Deployment, whose containers are the workers. */
  fleetService: string
  /** As in DOCKER_HOST. */
  dockerHost: string
  /** The Kubernetes API server's address; null outside of Kubernetes. */
  kubernetesUrl: string | null
  /** Where the token for it is. */
  kubernetesAccount: string
  /** How the number of workers is kept; null: by people. */
  autoscale: Policy | null
  database: DatabaseSettings
  databaseTries: number
}

export type FleetKind = 'process' | 'compose' | 'swarm' | 'docker' | 'kubernetes' | 'none'

export const DOCKER_SOCKET = '/var/run/docker.sock'

/** What is found where this process runs. */
export interface Site {
  /** Whether it was started with an IPC channel. */
  hasLauncher: boolean
  /** Whether Docker's socket is there. */
  hasDockerSocket: boolean
  /** The name of this machine. */
  hostName?: string
}

const MIB = 1024 * 1024

export const settings = {
  ...commonSettings,
  ...taskLogSettings,
  ...databaseSettings,
  ...heartbeatSettings,
  SCHEDULER_HOST: text('127.0.0.1'),
  SCHEDULER_PORT: port(8081),
  ALLOWED_HOSTS: list([]),
  ALLOWED_ORIGINS: origins(),
  COMMAND_LINE: optionalText(),
  COORDINATOR_ADDRESS: list([]),
  COORDINATOR: list([]),
  MAX_LOG_EVENTS: integer(250, 1, 100_000),
  REQUEST_TIMEOUT: duration(15_000),
  BODY_TIMEOUT: duration(DEFAULT_LIMITS.bodyTimeoutMs),
  MAX_BODY_BYTES: integer(DEFAULT_LIMITS.bodyBytes, 16 * MIB, 2 ** 40),
  MAX_PAGE_BYTES: integer(DEFAULT_LIMITS.pageBytes, 64 * 1024, 2 ** 30),
  MAX_STREAMS: integer(DEFAULT_LIMITS.streams, 1, 1_000_000),
  MAX_STREAMS_PER_CALLER: integer(DEFAULT_LIMITS.streamsPerCaller, 1, 1_000_000),
  FLEET: oneOf('detect', ['detect', 'process', 'compose', 'swarm', 'kubernetes', 'none']),
  EXPRESS: oneOf('on', ['on', 'off']),
  AUTOSCALE: optionalRange(1, LIMITS.workers),
  AUTOSCALE_TARGET_WAIT: duration(10_000),
  AUTOSCALE_COOL_DOWN: duration(60_000, 0),
  FLEET_PROJECT: optionalText(),
  FLEET_SERVICE: text('worker'),
  DOCKER_HOST: optionalText(),
  KUBERNETES_SERVICE_HOST: optionalText(),
  KUBERNETES_SERVICE_PORT: port(443),
  KUBERNETES_ACCOUNT: text('/var/run/secrets/kubernetes.io/serviceaccount'),
}

/** @throws `invalid` naming every setting that is wrong */
export function readConfig(env: Record<string, string | undefined>, args: string[], site: Site): Config {
  const values = readSettings(settings, env, args)
  const coordinators = [values.COORDINATOR_ADDRESS, values.COORDINATOR].find((given) => given.length > 0)
  return Object.freeze({
    /** Lines about single tasks, of each kind in a second. */
    taskLogs: values.TASK_LOGS,
    logLevel: values.LOG_LEVEL,
    host: values.SCHEDULER_HOST,
    port: values.SCHEDULER_PORT,
    origins: values.ALLOWED_ORIGINS,
    commandLine: values.COMMAND_LINE,
    hosts: allowedHosts(values.SCHEDULER_HOST, values.ALLOWED_HOSTS, site.hostName),
    coordinators: coordinators ?? ['localhost:8080'],
    express: values.EXPRESS === 'on',
    maxLogEvents: values.MAX_LOG_EVENTS,
    requestTimeoutMs: values.REQUEST_TIMEOUT,
    limits: {
      bodyTimeoutMs: values.BODY_TIMEOUT,
      bodyBytes: values.MAX_BODY_BYTES,
      pageBytes: values.MAX_PAGE_BYTES,
      streams: values.MAX_STREAMS,
      streamsPerCaller: values.MAX_STREAMS_PER_CALLER,
    },
    silenceMs: values.HEARTBEAT_INTERVAL * values.MAX_HEARTBEAT_MISSES,
    fleet: values.FLEET === 'detect' ? detectFleet(values, site) : values.FLEET,
    fleetProject: values.FLEET_PROJECT,
    fleetService: values.FLEET_SERVICE,
    dockerHost: values.DOCKER_HOST ?? `unix://${DOCKER_SOCKET}`,
    kubernetesUrl: kubernetesUrl(values),
    kubernetesAccount: values.KUBERNETES_ACCOUNT,
    autoscale: values.AUTOSCALE && {
      ...values.AUTOSCALE,
      targetWaitMs: values.AUTOSCALE_TARGET_WAIT,
      coolDownMs: values.AUTOSCALE_COOL_DOWN,
    },
    database: databaseConfig(values, 'taskmaster-scheduler'),
    databaseTries: values.DB_MAX_RETRIES,
  })
}

type Values = ReturnType<typeof readSettings<typeof settings>>

function detectFleet(values: Values, { hasLauncher, hasDockerSocket }: Site): FleetKind {
  if (hasLauncher) return 'process'
  if (values.KUBERNETES_SERVICE_HOST) return 'kubernetes'
  return values.DOCKER_HOST || hasDockerSocket ? 'docker' : 'none'
}

function kubernetesUrl({ KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port }: Values) {
  if (!host) return null
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`
}
