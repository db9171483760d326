import { join } from 'node:path'
import { freePort } from '../src/cli/up/ports.ts'
import type { Sql } from '../src/shared/store/connect.ts'
import { type Bench, type Process, residentMiB, startProcess, temporaryFolder } from './cluster.ts'
import { numberOf } from './flags.ts'

const HOST = '127.0.0.1'

export interface SystemOptions {
  /** Processes of each kind; 1, 1 and as many as `--workers` says by default. */
  coordinators?: number
  schedulers?: number
  workers?: number
  /** The workers note when tasks start and end. */
  history?: boolean
  /** Further settings of the workers. Their tasks take no time by default. */
  worker?: Record<string, string>
  /** Further settings of every process. */
  env?: Record<string, string>
}

/** The real system: processes as users run them. */
export interface System {
  readonly sql: Sql
  /** Of the first scheduler. */
  readonly url: string
  readonly urls: string[]
  /** The start and the end of each task; only with `history`. */
  readonly historyFile: string
  readonly processes: Iterable<Process>

  startScheduler(): Promise<void>
  /** Starts the workers, in place of those that run. With `history` they note when tasks start and end. */
  startWorkers(options?: { history?: boolean }): Promise<void>
  stop(): Promise<void>
}

/** Starts coordinators, workers and schedulers on a database, and waits until all are up. */
export async function startSystem(database: Bench, options: SystemOptions = {}): Promise<System> {
  const {
    coordinators = 1,
    schedulers = 1,
    workers = numberOf('--workers', 3),
    worker = {},
    env = {},
    history = false,
  } = options
  const { sql, settings } = database
  const folder = await temporaryFolder('history')
  const historyFile = join(folder.path, 'history.jsonl')
  const processes = new Map<string, Process>()
  const urls: string[] = []
  const ports = await Promise.all(Array.from({ length: coordinators }, () => freePort(HOST)))
  const COORDINATOR_ADDRESS = ports.map((port) => `${HOST}:${port}`).join(',')

  const start = async (...[service, name, , own]: Parameters<typeof startProcess>) => {
    const started = await startProcess(service, name, settings, { COORDINATOR_ADDRESS, ...env, ...own })
    processes.set(name, started)
    return started
  }
  const names = (kind: string, count: number) =>
    Array.from({ length: count }, (_, index) => (count === 1 ? kind : `${kind}-${index + 1}`))

  const system: System = {
    sql,
    urls,
    get url() {
      const [first] = urls
      if (!first) throw new Error('no scheduler was started')
      return first
    },
    historyFile,
    get processes() {
      return processes.values()
    },

    async startScheduler() {
      const name = urls.length === 0 ? 'scheduler' : `scheduler-${urls.length + 1}`
      const { port } = await start('scheduler', name, settings)
      urls.push(`http://${HOST}:${port}`)
    },

    async startWorkers({ history: isNoting = false } = {}) {
      await Promise.all(
        names('worker', workers).map(async (name) => {
          await processes.get(name)?.stop()
          const noting = isNoting ? { SIMULATE_HISTORY: historyFile } : {}
          await start('worker', name, settings, {
            WORKER_NAME: name,
            TASK_PROCESS_TIME: '0',
            ...worker,
            ...noting,
          })
        }),
      )
    },

    async stop() {
      // Coordinators last: nobody is to miss them.
      const isCoordinator = ({ name }: Process) => name.startsWith('coordinator')
      const all = [...processes.values()]
      await Promise.all(all.filter((process) => !isCoordinator(process)).map((process) => process.stop()))
      await Promise.all(all.filter(isCoordinator).map((process) => process.stop()))
      await folder.remove()
    },
  }

  await Promise.all(
    names('coordinator', coordinators).map((name, index) =>
      start('coordinator', name, settings, { COORDINATOR_PORT: String(ports[index]) }),
    ),
  )
  await system.startWorkers({ history })
  for (let started = 0; started < schedulers; started++) await system.startScheduler()
  return system
}

/** Resident memory of each process, in MiB, by its name. */
export async function memoryOf(system: System): Promise<Record<string, number>> {
  const processes = [...system.processes]
  const sizes = await Promise.all(processes.map(({ pid }) => residentMiB(pid)))
  const named = processes.map(({ name }, index) => [name, sizes[index] ?? 0] as const)
  return Object.fromEntries(named.sort(([a], [b]) => a.localeCompare(b)))
}
