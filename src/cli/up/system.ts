import { join } from 'node:path'
import { AppError } from '../../shared/core/error.ts'
import { startChild } from './child.ts'
import type { Config } from './config.ts'
import { type Database, migrateDatabase, openDatabase } from './database.ts'
import { settlesWithin } from './deadline.ts'
import { coordinatorEnv, reachable, schedulerEnv, workerEnv } from './environment.ts'
import { createFleet } from './fleet.ts'
import { openLogFiles } from './log-file.ts'
import { type Address, freePort } from './ports.ts'
import type { ServiceName } from './services.ts'
import { buildSite, developSite } from './site.ts'
import { type Supervised, supervise } from './supervisor.ts'
import type { Terminal } from './terminal.ts'

/** For each service to say that it is up, and for the scheduler to say that all is. */
const START_LIMIT_MS = 30_000
/** A worker gives up by itself before this; see its DRAIN_TIMEOUT. */
const DRAIN_LIMIT_MS = 60_000
const STOP_LIMIT_MS = 20_000

/** A proxy from the environment does not stand before this machine. */
const DIRECT: object = { proxy: false }

/** Where a running system is reached. */
export interface Entrances {
  /** REST and dashboard. */
  url: string
  /** gRPC, host:port. */
  grpc: string
}

/** Everything that the launcher runs. */
export interface System {
  /**
   * Starts it all, in order.
   *
   * @returns where it is reached
   * @throws `unavailable` naming what did not start
   */
  start(): Promise<Entrances>
  /** Stops whatever was started, in the order in which nothing is lost. */
  stop(): Promise<void>
  /** Kills the workers that `stop` waits for; their tasks run again next time. */
  hurry(): void
}

export function createSystem(config: Config, terminal: Terminal): System {
  const logs = openLogFiles(join(config.folder, 'logs'))
  const coordinatorAt: Address = { ...config.coordinator }
  const schedulerAt: Address = { ...config.scheduler }
  const ending = new AbortController()
  let stopping = false
  let opening: Promise<Database> | null = null
  let coordinator: Supervised | null = null
  let scheduler: Supervised | null = null

  const fleet = createFleet({
    prefix: config.workerName,
    server: () => `http://${reachable(schedulerAt)}`,
    start: (name) => run('worker', name, () => workerEnv(config, name, coordinatorAt)),
    drainLimitMs: DRAIN_LIMIT_MS,
  })

  function run(service: ServiceName, name: string, env: () => Record<string, string>): Supervised {
    return supervise({
      name,
      start: () =>
        startChild({
          service,
          env: env(),
          watch: config.watch,
          onLine(text, line) {
            logs.write(name, text)
            terminal.relay(name, line)
          },
          ...(service === 'scheduler' && {
            onMessage: (message, reply) => void fleet.answer(message)?.then(reply),
          }),
        }),
      onEnd: (how, againInMs) =>
        terminal.step(`The ${name} ended (${how}); starting it again in ${(againInMs / 1000).toFixed(1)} s`),
    })
  }

  /** Between two steps: somebody may have asked us to stop meanwhile. */
  function step(what: string) {
    if (stopping) throw new AppError('unavailable', 'stopped while starting')
    terminal.step(what)
  }

  async function up(service: Supervised): Promise<number> {
    if (!(await settlesWithin(service.ready, START_LIMIT_MS))) {
      throw new AppError('unavailable', `the ${service.name} did not start in ${START_LIMIT_MS / 1000} s`)
    }
    return Number((await service.ready).port ?? 0)
  }

  return {
    async start() {
      // What is restarted in place has the environment that it was started with, so its port is chosen now.
      if (config.watch) {
        for (const at of [coordinatorAt, schedulerAt]) at.port ||= await freePort(at.host)
      }
      // Meanwhile the rest starts.
      const site = { onProgress: terminal.step, signal: ending.signal }
      const building = buildSite(site).catch((error) =>
        terminal.step(`The dashboard could not be built; everything else works. ${reasonOf(error)}`),
      )
      opening = openDatabase(config, { onProgress: step, onLog: (line) => logs.write('postgres', line) })
      const { settings } = await opening
      const applied = await migrateDatabase(settings, config.databaseTries, step)
      if (applied.length > 0) step(`Migrated the database: ${applied.join(', ')}`)

      step('Starting the coordinator')
      coordinator = run('coordinator', 'coordinator', () => coordinatorEnv(config, settings, coordinatorAt))
      // A free port is chosen once: whatever is started again must be found where it was.
      coordinatorAt.port ||= await up(coordinator)
      await up(coordinator)

      step('Starting the scheduler')
      scheduler = run('scheduler', 'scheduler', () =>
        schedulerEnv(config, settings, schedulerAt, coordinatorAt),
      )
      schedulerAt.port ||= await up(scheduler)
      await up(scheduler)

      step(`Starting ${config.workers} worker${config.workers === 1 ? '' : 's'}`)
      fleet.scale(config.workers)
      await Promise.all(fleet.workers().map(up))
      const url = `http://${reachable(schedulerAt)}`
      await Promise.all([building, readiness(url, () => stopping)])
      if (config.watch) void developSite({ port: schedulerAt.port, ...site })
      return { url, grpc: reachable(coordinatorAt) }
    },
    async stop() {
      stopping = true
      ending.abort()
      const workers = fleet.workers().length
      if (workers > 0)
        terminal.step('Stopping the workers, once they have finished what they run (Ctrl-C: at once)')
      await fleet.stop()
      for (const service of [scheduler, coordinator]) {
        if (!service) continue
        terminal.step(`Stopping the ${service.name}`)
        await service.stop(STOP_LIMIT_MS)
      }
      const database = await opening?.catch(() => null)
      if (database && !config.database) terminal.step('Stopping PostgreSQL')
      await database?.stop()
    },
    hurry: () => fleet.killAll(),
  }
}

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

async function readiness(url: string, isStopping: () => boolean): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS
  let last = ''
  while (!isStopping()) {
    try {
      const response = await fetch(`${url}/readyz`, { ...DIRECT, signal: AbortSignal.timeout(2000) })
      if (response.ok) return
      last = await response.text()
    } catch (error) {
      last = (error as Error).message
    }
    if (performance.now() > deadline) throw new AppError('unavailable', `${url}/readyz is not ready: ${last}`)
    await Bun.sleep(50)
  }
}
