import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from '../src/cli/up/child.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/cli/up/postgres.ts'
import type { ServiceName } from '../src/cli/up/services.ts'
import { connect, type DatabaseSettings, type Sql } from '../src/shared/store/connect.ts'
import { migrate } from '../src/shared/store/migrate.ts'

const START_LIMIT_MS = 30_000

const POOL = {
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

/** A fresh embedded PostgreSQL in a temporary folder, migrated, with the settings that `up` uses. */
export async function startBenchDatabase(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'taskmaster-bench-'))
  const server: EmbeddedPostgres = await startEmbeddedPostgres({ folder })
  const settings = { ...server.settings, ...POOL }
  const own = connect({ ...settings, poolMax: 1 })
  await migrate(own)
  await own.end()
  const sql = connect(settings)
  return {
    sql,
    settings,
    async stop() {
      await sql.end({ timeout: 1 })
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export interface Process {
  readonly name: string
  readonly pid: number
  readonly port: number
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
  const child: Child = startChild({
    service,
    watch: false,
    onLine: (text, line) => {
      if (!quiet && (line.level === 'error' || line.level === 'warn'))
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
  const line = await Promise.race([
    child.ready,
    child.exited.then((how) => {
      throw new Error(`${name} ended before it was up: ${how}`)
    }),
    Bun.sleep(START_LIMIT_MS).then(() => {
      throw new Error(`${name} was not up in ${START_LIMIT_MS / 1000} s`)
    }),
  ])
  return {
    name,
    pid: child.pid,
    port: Number(line.port ?? 0),
    async stop() {
      child.kill('SIGTERM')
      await child.exited
    },
  }
}

/** Resident memory of a process in MiB. */
export async function residentMiB(pid: number): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`)
    .text()
    .catch(() => '')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
}

/** ms of processor time that a process has used, in user and kernel mode; children that it waited for are left out. */
export async function processorMs(pid: number): Promise<number> {
  const stat = await Bun.file(`/proc/${pid}/stat`)
    .text()
    .catch(() => '')
  // Of the fields behind the name, which may contain anything: 12 and 13, in ticks of 10 ms.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return 10 * (Number(fields[11] ?? 0) + Number(fields[12] ?? 0))
}
