import { mkdtemp, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from '../src/cli/up/child.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/cli/up/postgres.ts'
import type { ServiceName } from '../src/cli/up/services.ts'
import { connect, type DatabaseSettings, type Sql } from '../src/shared/store/connect.ts'
import { migrate } from '../src/shared/store/migrate.ts'
import { isInterrupted, onEnd, unlessInterrupted } from './cleanup.ts'

const START_LIMIT_MS = 30_000
const STOP_LIMIT_MS = 20_000

export const POOL = {
  poolMax: 4,
  connectTimeoutMs: 5000,
  idleTimeoutMs: 60_000,
  statementTimeoutMs: 120_000,
  applicationName: 'taskmaster-bench',
}

export interface Bench {
  readonly sql: Sql
  readonly settings: DatabaseSettings

  stop(): Promise<void>
}

/** A temporary folder that is removed when it is no longer needed, or when the bench is interrupted. */
export async function temporaryFolder(name: string): Promise<{ path: string; remove: () => Promise<void> }> {
  await unlessInterrupted()
  const path = await mkdtemp(join(tmpdir(), `taskmaster-bench-${name}-`))
  const remove = onEnd(async () => {
    // Root's server may keep its data elsewhere.
    const elsewhere = await readlink(join(path, 'elsewhere')).catch(() => null)
    if (elsewhere) await rm(elsewhere, { recursive: true, force: true })
    await rm(path, { recursive: true, force: true })
  })
  return { path, remove }
}

/** A fresh embedded PostgreSQL in a temporary folder, migrated, with the settings that `up` uses. */
export async function startBenchDatabase(
  start: (options: { folder: string }) => Promise<EmbeddedPostgres> = startEmbeddedPostgres,
): Promise<Bench> {
  const folder = await temporaryFolder('database')
  await unlessInterrupted()
  const starting = start({ folder: folder.path })
  const stopServer = onEnd(() =>
    starting.then(
      (server) => server.stop(),
      () => {},
    ),
  )
  const settings = { ...(await starting).settings, ...POOL }
  const sql = await openDatabase(settings)
  return {
    sql,
    settings,
    async stop() {
      await sql.end({ timeout: 1 })
      await stopServer()
      await folder.remove()
    },
  }
}

/** Another database of the same server, migrated; stopping it drops it. */
export async function createDatabase(server: Bench, name: string): Promise<Bench> {
  const settings = { ...server.settings, database: name }
  await server.sql`CREATE DATABASE ${server.sql(name)}`
  const sql = await openDatabase(settings)
  return {
    sql,
    settings,
    async stop() {
      await sql.end({ timeout: 1 })
      await server.sql`DROP DATABASE ${server.sql(name)} WITH (FORCE)`
    },
  }
}

async function openDatabase(settings: DatabaseSettings): Promise<Sql> {
  const own = connect({ ...settings, poolMax: 1 })
  await migrate(own)
  await own.end()
  return connect(settings)
}

export interface Process {
  readonly name: string
  readonly pid: number
  readonly port: number
  /** How it ended. */
  readonly exited: Promise<string>
  stop(): Promise<void>
}

/** Starts a service as the process that users run, and waits until it is up. */
export async function startProcess(
  service: ServiceName,
  name: string,
  settings: DatabaseSettings,
  env: Record<string, string> = {},
  quiet = false,
): Promise<Process> {
  await unlessInterrupted()
  const child: Child = startChild({
    service,
    watch: false,
    onLine: (text, line) => {
      if (!quiet && !isInterrupted() && (line.level === 'error' || line.level === 'warn'))
        console.error(`${name}: ${text.slice(0, 500)}`)
    },
    env: {
      PATH: process.env.PATH ?? '',
      POSTGRES_HOST: settings.host,
      POSTGRES_PORT: String(settings.port),
      POSTGRES_USER: settings.user,
      POSTGRES_PASSWORD: settings.password,
      POSTGRES_DB: settings.database,
      COORDINATOR_PORT: '0',
      SCHEDULER_PORT: '0',
      ...env,
    },
  })
  const stop = onEnd(async () => {
    child.kill('SIGTERM')
    const hurry = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
    await child.exited
    clearTimeout(hurry)
  })
  const line = await Promise.race([
    child.ready,
    child.exited.then((how) => {
      throw new Error(`${name} ended before it was up: ${how}`)
    }),
    Bun.sleep(START_LIMIT_MS).then(() => {
      throw new Error(`${name} was not up in ${START_LIMIT_MS / 1000} s`)
    }),
  ])
  return { name, pid: child.pid, port: Number(line.port ?? 0), exited: child.exited, stop }
}

/** Resident memory of a process in MiB. */
export async function residentMiB(pid: number): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`)
    .text()
    .catch(() => '')
  return Number((Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024).toFixed(1))
}
