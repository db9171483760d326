/** The programs that read settings. */
export type Program = 'up' | 'scheduler' | 'coordinator' | 'worker' | 'docker-proxy'

/** One setting as people see it: in `--help`, and in the tables of README.md and docs/scaling.md. */
export interface SettingEntry {
  /** The environment variable; its flag is the same name in kebab-case. */
  name: string
  programs: readonly Program[]
  /** What holds when it is unset, as it is documented. */
  fallback: string
  help: string
}

const SERVICES = ['scheduler', 'coordinator', 'worker'] as const
const EVERYWHERE = ['up', ...SERVICES, 'docker-proxy'] as const
const DATABASE = ['up', 'scheduler', 'coordinator'] as const
const SCHEDULER = ['scheduler'] as const
const COORDINATOR = ['coordinator'] as const
const WORKER = ['worker'] as const
const PROXY = ['docker-proxy'] as const

const entry = (name: string, programs: readonly Program[], fallback: string, help: string): SettingEntry => ({
  name,
  programs,
  fallback,
  help,
})

/**
 * Every setting there is. The flags of `up`, every `--help` and the tests of the documentation come from here; what a
 * text has to look like is in the config.ts of the program that reads it.
 */
export const SETTINGS: readonly SettingEntry[] = [
  entry('WORKERS', ['up'], '3', 'how many workers to start'),
  entry('TASKMASTER_FOLDER', ['up'], '.taskmaster', 'data and logs; --folder is the same'),
  entry('DATABASE_URL', DATABASE, 'none', 'postgres://user:password@host:5432/database'),
  entry('POSTGRES_USER', DATABASE, 'none', 'user, when there is no DATABASE_URL'),
  entry('POSTGRES_PASSWORD', DATABASE, 'none', 'its password'),
  entry('POSTGRES_DB', DATABASE, 'none', 'database'),
  entry('POSTGRES_HOST', DATABASE, 'none', 'host'),
  entry('POSTGRES_PORT', DATABASE, 'none', 'port'),
  entry(
    'DB_SCHEMA',
    DATABASE,
    'taskmaster',
    'the schema that all tables are in, which nothing else is to use',
  ),
  entry('DB_POOL_MAX', DATABASE, '20', 'connections of one service at most'),
  entry('DB_CONNECT_TIMEOUT', DATABASE, '2000', 'ms'),
  entry('DB_IDLE_TIMEOUT', DATABASE, '30000', 'ms after which an idle connection is closed'),
  entry('DB_STATEMENT_TIMEOUT', DATABASE, '10000 ms', 'ms that one statement may take'),
  entry('DB_MAX_RETRIES', DATABASE, '5', 'tries to connect at start, 5 s apart'),
  entry('SCHEDULER_HOST', ['up', 'scheduler'], '127.0.0.1', 'where REST and the dashboard listen'),
  entry('SCHEDULER_PORT', ['up', 'scheduler'], '8081', 'port of REST and the dashboard'),
  entry('ALLOWED_HOSTS', SCHEDULER, 'none', 'further host names under which the scheduler may be called'),
  entry('ALLOWED_ORIGINS', SCHEDULER, 'none', 'other sites whose pages may use the scheduler'),
  entry('COMMAND_LINE', SCHEDULER, 'bun run taskmaster', 'how the dashboard writes commands to copy'),
  entry('COORDINATOR_HOST', ['up', 'coordinator'], '127.0.0.1', 'where gRPC listens'),
  entry('COORDINATOR_PORT', ['up', 'coordinator'], '8080', 'port of gRPC'),
  entry(
    'PUSH_ALLOW',
    COORDINATOR,
    'none',
    'networks of workers that are pushed to, besides where they call from',
  ),
  entry(
    'COORDINATOR_ADDRESS',
    ['scheduler', 'worker'],
    'localhost:8080',
    'host:port, or several, tried in turn',
  ),
  entry('COORDINATOR', ['scheduler', 'worker'], 'localhost:8080', 'the same as COORDINATOR_ADDRESS'),
  entry('WORKER_NAME', WORKER, 'host name and pid', 'name of the worker; of those of `up`, with a number'),
  entry('WORKER_ADDRESS', WORKER, 'host name', 'host, or host:port, where coordinators that push reach it'),
  entry('WORKER_PORT', WORKER, 'any free', 'port for that; of those of `up`, the first one’s'),
  entry('WORKER_LABELS', WORKER, 'none', 'what it has that tasks may need, such as gpu,eu'),
  entry('WORKER_POOL_SIZE', WORKER, '5', 'slots: tasks that it runs at once'),
  entry('TASK_PROCESS_TIME', WORKER, '5000 ms', 'ms that `simulate` takes'),
  entry(
    'WORKER_EXECUTORS',
    WORKER,
    'simulate, http, and function with `TASK_HANDLERS`',
    'what it runs; shell only when named',
  ),
  entry('TASK_HANDLERS', WORKER, 'none', 'a file or folder of TypeScript handlers'),
  entry('HTTP_ALLOW_PRIVATE', WORKER, 'none', 'networks that are not public and that http tasks may reach'),
  entry('WORKER_CGROUP', WORKER, 'the worker’s own', 'a cgroup in which it may limit shell tasks'),
  entry('SCAN_INTERVAL', COORDINATOR, '10000', 'ms between two safety scans'),
  entry('LOOKAHEAD', COORDINATOR, '30000 ms', 'ms that a timer is armed ahead'),
  entry('HEARTBEAT_INTERVAL', SERVICES, '5000 ms', 'ms between two heartbeats'),
  entry('MAX_HEARTBEAT_MISSES', SERVICES, '3', 'heartbeats after which a silent worker is gone'),
  entry(
    'PRIORITY_AGEING',
    COORDINATOR,
    '30000 ms',
    'ms after which a due task is served whatever its priority; off',
  ),
  entry(
    'RECONNECT_WINDOW',
    COORDINATOR,
    '300 ms',
    'ms that a worker whose stream broke may take to come back',
  ),
  entry('RETRY_BACKOFF', COORDINATOR, '1000', 'ms before a first retry, doubled each time'),
  entry('RETRY_BACKOFF_CAP', COORDINATOR, '300000 ms', 'ms before a retry at most'),
  entry('MAX_LOST_ATTEMPTS', COORDINATOR, '5', 'workers that a task may lose before it fails'),
  entry('MAX_WORKER_SLOTS', COORDINATOR, '256', 'slots of a worker that count, whatever it says'),
  entry('TASK_RETENTION', COORDINATOR, 'keep', 'how long ended tasks are kept: 45m, 12h, 30d, keep'),
  entry('DRAIN_TIMEOUT', WORKER, '30000 ms', 'ms that a stopping worker may take to finish what it runs'),
  entry('SIMULATE_HISTORY', WORKER, 'none', 'a file of each start and end of `simulate`, for tests'),
  entry('REQUEST_TIMEOUT', SCHEDULER, '15000 ms', 'ms that a request may take'),
  entry('BODY_TIMEOUT', SCHEDULER, '15000 ms', 'ms within which a request’s body must have arrived'),
  entry('MAX_BODY_BYTES', SCHEDULER, '134217728', 'bytes of all bodies received, or worked on, at once'),
  entry('MAX_PAGE_BYTES', SCHEDULER, '4194304', 'bytes after which a page of a list ends'),
  entry('MAX_STREAMS', SCHEDULER, '1000', 'streams, exports and WebSockets open at once'),
  entry('MAX_STREAMS_PER_CALLER', SCHEDULER, '250', 'the same, of one address'),
  entry('MAX_LOG_EVENTS', SCHEDULER, '250', 'events that are kept for readers who come later'),
  entry(
    'EXPRESS',
    SCHEDULER,
    'on',
    'a task that is due finds a free slot in the commit that stores it; or off',
  ),
  entry('AUTOSCALE', SCHEDULER, 'off', 'min:max workers, such as 3:50'),
  entry('AUTOSCALE_TARGET_WAIT', SCHEDULER, '10000 ms', 'ms that a due task should wait at most'),
  entry('AUTOSCALE_COOL_DOWN', SCHEDULER, '60000 ms', 'ms before there are fewer workers'),
  entry('FLEET', SCHEDULER, 'detected', 'who starts workers: process, compose, swarm, kubernetes, none'),
  entry(
    'FLEET_PROJECT',
    ['scheduler', 'docker-proxy'],
    'the scheduler’s own',
    'Compose project or Swarm stack of the workers',
  ),
  entry('FLEET_SERVICE', ['scheduler', 'docker-proxy'], 'worker', 'service or Deployment of the workers'),
  entry('DOCKER_HOST', SCHEDULER, 'unix:///var/run/docker.sock', 'the Docker engine, or the proxy before it'),
  entry('KUBERNETES_SERVICE_HOST', SCHEDULER, 'set by Kubernetes', 'host of the cluster’s API'),
  entry('KUBERNETES_SERVICE_PORT', SCHEDULER, '443', 'its port'),
  entry(
    'KUBERNETES_ACCOUNT',
    SCHEDULER,
    '/var/run/secrets/kubernetes.io/serviceaccount',
    'folder of the token for it',
  ),
  entry('DOCKER_SOCKET', PROXY, '/var/run/docker.sock', 'the engine'),
  entry('DOCKER_PROXY_HOST', PROXY, '0.0.0.0', 'where the proxy listens'),
  entry('DOCKER_PROXY_PORT', PROXY, '2375', 'its port'),
  entry('ALIVE_FILE', WORKER, 'none', 'a file that the worker touches every 5 s'),
  entry('TASK_LOGS', SERVICES, '100', 'lines about single tasks in a second, of each kind; off, all'),
  entry('LOG_LEVEL', EVERYWHERE, 'info', 'trace, debug, info, warn, error, fatal or silent'),
]

/** The settings that a program reads. `up` passes on what its services read. */
export function settingsOf(program: Program): SettingEntry[] {
  return SETTINGS.filter(({ programs }) =>
    program === 'up' ? programs.some((reader) => reader !== 'docker-proxy') : programs.includes(program),
  )
}

export const flagOf = (name: string) => `--${name.toLowerCase().replaceAll('_', '-')}`

/** One line for each setting of a program, for `--help`. */
export function describeSettings(program: Program, except: readonly string[] = []): string {
  const shown = settingsOf(program).filter(({ name }) => !except.includes(name))
  const width = Math.max(...shown.map(({ name }) => flagOf(name).length))
  return shown
    .map(({ name, fallback, help }) => `  ${flagOf(name).padEnd(width)}  ${help} (${plain(fallback)})`)
    .join('\n')
}

const plain = (fallback: string) => `default: ${fallback.replaceAll('`', '').replace(/ ms$/, '')}`

/** Prints what a service can be told and ends the process, when that is what its arguments ask for. */
export function helpIfAsked(service: Exclude<Program, 'up'>, args: string[]): void {
  if (!args.some((arg) => arg === '--help' || arg === '-h')) return
  console.log(`Starts one ${service} of TaskMaster. SIGTERM stops it, losing nothing.

Usage: bun src/${service}/main.ts [options]

${describeSettings(service)}

Every flag is an environment variable too: ${flagOf('LOG_LEVEL')} warn is LOG_LEVEL=warn. A flag wins.`)
  process.exit(0)
}
