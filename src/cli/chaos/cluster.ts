import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '../../shared/core/error.ts'
import { startChild } from '../up/child.ts'
import { settlesWithin } from '../up/deadline.ts'
import { freePort } from '../up/ports.ts'
import type { EmbeddedPostgres } from '../up/postgres.ts'
import { READY, type ServiceName } from '../up/services.ts'
import { type Supervised, supervise } from '../up/supervisor.ts'
import { COORDINATORS, PATHS, restartMsOf, SCHEDULERS, skewOf, WORKERS } from './plan.ts'
import { createProxy, type TcpProxy } from './proxy.ts'

const HOST = '127.0.0.1'
const START_LIMIT_MS = 30_000
const STOP_LIMIT_MS = 20_000

const preloaded = (name: string) => join(import.meta.dir, `${name}.ts`)

/** Leases, scans and deadlines short enough for their ends to be seen within a run. */
const SETTINGS = {
  LOG_LEVEL: 'info',
  HEARTBEAT_INTERVAL: '700',
  SCAN_INTERVAL: '2000',
  RETRY_BACKOFF: '100',
  RETRY_BACKOFF_CAP: '1000',
  DB_STATEMENT_TIMEOUT: '2000',
  DB_MAX_RETRIES: '1000',
  DRAIN_TIMEOUT: '8000',
}

export interface ClusterOptions {
  seed: number
  /** For logs and the executors' history. */
  folder: string
  database: EmbeddedPostgres['settings']
}

/** 2 coordinators, 2 schedulers and 4 workers, each restarted when it ends, and a proxy in each of their ways. */
export interface Cluster {
  /** Of the schedulers. */
  readonly urls: string[]
  readonly history: string
  process(name: string): Supervised
  path(name: string): TcpProxy
  /** When which process has ended by itself or been killed; epoch ms. */
  readonly ends: { name: string; at: number }[]
  /** Asks all to end, workers first. */
  stop(): Promise<void>
}

/** What a service says that finds its port taken: by Bun, and by gRPC. */
const PORT_IS_TAKEN = /EADDRINUSE|No address added/
/** Starts, with other ports each, when somebody takes a port between its choice and its use. */
const STARTS = 3

/** @throws `unavailable` when a service does not come up */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  for (let starts = 1; ; starts++) {
    try {
      return await start(options)
    } catch (error) {
      if (starts === STARTS || !PORT_IS_TAKEN.test((error as Error).message)) throw error
    }
  }
}

async function start({ seed, folder, database }: ClusterOptions): Promise<Cluster> {
  const history = join(folder, 'history.jsonl')
  const ports = new Map<string, number>()
  for (const name of [...COORDINATORS, ...SCHEDULERS]) ports.set(name, await freePort(HOST))
  const paths = new Map<string, TcpProxy>()
  for (const path of PATHS) {
    const [, to = ''] = path.split('>')
    paths.set(path, await createProxy({ host: HOST, port: () => ports.get(to) ?? database.port }))
  }
  const processes = new Map<string, Supervised>()
  const starts = new Map<string, number>()
  const ends: { name: string; at: number }[] = []

  function envOf(name: string): Record<string, string> {
    const env = {
      ...{ PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' },
      ...SETTINGS,
      CHAOS_SKEW_MS: String(skewOf(seed, name, starts.get(name) ?? 0)),
    }
    const way = (to: string) => `${HOST}:${paths.get(`${name}>${to}`)?.port}`
    const coordinators = COORDINATORS.map(way).join(',')
    if (WORKERS.includes(name)) {
      const CHAOS_REPORTS_SEED = String(Bun.hash.crc32(`${seed} ${name} ${starts.get(name)}`))
      const worker = { WORKER_NAME: name, WORKER_PORT: '0', COORDINATOR_ADDRESS: coordinators }
      return { ...env, ...worker, SIMULATE_HISTORY: history, CHAOS_REPORTS_SEED }
    }
    const [POSTGRES_HOST = '', POSTGRES_PORT = ''] = way('postgres').split(':')
    const { user: POSTGRES_USER, password: POSTGRES_PASSWORD, database: POSTGRES_DB } = database
    const store = { POSTGRES_HOST, POSTGRES_PORT, POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB }
    const port = String(ports.get(name))
    return COORDINATORS.includes(name)
      ? { ...env, ...store, COORDINATOR_HOST: HOST, COORDINATOR_PORT: port }
      : { ...env, ...store, SCHEDULER_HOST: HOST, SCHEDULER_PORT: port, COORDINATOR_ADDRESS: coordinators }
  }

  function log(name: string, text: string) {
    appendFileSync(join(folder, `${name}.log`), `${text}\n`)
  }

  function run(name: string): Supervised {
    const service = name.split('-')[0] as ServiceName
    return supervise({
      name,
      delayMs: () => restartMsOf(seed, name, starts.get(name) ?? 0),
      start() {
        starts.set(name, (starts.get(name) ?? -1) + 1)
        log(name, `--- ${stamp()} start ${starts.get(name)}`)
        return startChild({
          service,
          env: envOf(name),
          watch: false,
          preload: ['skewed-clock', ...(service === 'worker' ? ['unsteady-reports'] : [])].map(preloaded),
          // By our clock, because theirs are wrong.
          onLine: (text) => log(name, `${stamp()} ${text}`),
        })
      },
      onEnd(how) {
        ends.push({ name, at: performance.timeOrigin + performance.now() })
        log(name, `--- ${stamp()} ended: ${how}`)
      },
    })
  }

  async function stop() {
    for (const group of [WORKERS, SCHEDULERS, COORDINATORS]) {
      await Promise.all(group.map((name) => processes.get(name)?.stop(STOP_LIMIT_MS)))
    }
    await Promise.all([...paths.values()].map((path) => path.close()))
  }

  async function up(names: string[]) {
    for (const name of names) processes.set(name, run(name))
    const ready = Promise.all(names.map((name) => processes.get(name)?.ready))
    if (await settlesWithin(ready, START_LIMIT_MS)) return
    const lines = names.map((name) => READY[name.split('-')[0] as ServiceName].source)
    throw new AppError('unavailable', `a service did not start: no line ${[...new Set(lines)].join(', ')}`)
  }

  try {
    await up([...COORDINATORS, ...SCHEDULERS])
    await up(WORKERS)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    urls: SCHEDULERS.map((name) => `http://${HOST}:${ports.get(name)}`),
    history,
    process: (name) => processes.get(name) as Supervised,
    path: (name) => paths.get(name) as TcpProxy,
    ends,
    stop,
  }
}

const stamp = () => new Date().toISOString()
