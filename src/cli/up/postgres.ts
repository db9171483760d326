import { mkdir, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { AppError } from '../../shared/core/error.ts'
import type { DatabaseSettings } from '../../shared/store/connect.ts'
import { type Binaries, prepareBinaries } from './binaries.ts'
import { stopLeftover } from './leftover.ts'
import { lock } from './lock.ts'
import { readPassword, writeFor } from './password.ts'
import { dataPlace, ROOT_PLACE } from './place.ts'
import { freePort } from './ports.ts'
import { runServer } from './server.ts'
import { type ServerUser, serverUser } from './server-user.ts'

export interface EmbeddedPostgresOptions {
  /** Where the database and its password live; made when missing. */
  folder: string
  /** On 127.0.0.1; any free one by default. */
  port?: number
  /** Server settings that replace or add to ours, such as `{ fsync: 'off' }`. */
  settings?: Record<string, string>
  /** Seconds that the server outlives this process when it is killed, so that others can finish; default 0. */
  lingerSeconds?: number
  onProgress?: (what: string) => void
  /** Each line that the server logs. */
  onLog?: (line: string) => void
}

export interface EmbeddedPostgres {
  readonly settings: Pick<DatabaseSettings, 'host' | 'port' | 'user' | 'password' | 'database'>
  /** Resolves when the server has ended, whether it was told to or not. */
  readonly exited: Promise<void>
  /** A fast shutdown: connections are cut, what was committed is safe. */
  stop(): Promise<void>
}

/** For a queue: many short transactions, tables that churn. What was committed stays committed. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  autovacuum_naptime: '5s',
  log_checkpoints: 'off',
  log_line_prefix: '%m [%p] ',
}

/**
 * Starts a real PostgreSQL server on a folder of its own, and makes the database there first when there is
 * none. It listens on 127.0.0.1 alone and wants a password, because whoever is a superuser of a database is
 * also a shell on its machine. A server left over from a killed process is stopped first.
 *
 * @throws `conflict` when another process runs a server there; `unavailable` when it cannot be started
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { onProgress = () => {}, onLog = () => {}, lingerSeconds = 0 } = options
  const folder = resolve(options.folder)
  const user = serverUser()
  const place = await dataPlace(folder, user)
  const held = lock(join(folder, 'postgres.lock'))
  try {
    const binaries = await prepareBinaries(user, user ? ROOT_PLACE : folder, onProgress)
    const data = join(place, 'data')
    const password = await readPassword(place)
    await stopLeftover(data, onProgress)
    await initialise(binaries, data, {
      password,
      user,
      isDurable: options.settings?.fsync !== 'off',
      onProgress,
    })
    const port = options.port || (await freePort('127.0.0.1'))
    onProgress('Starting PostgreSQL')
    const settings = { ...SETTINGS, port: String(port), ...options.settings }
    const server = await runServer({
      postgres: binaries.postgres,
      data,
      settings,
      user,
      lingerSeconds,
      onLog,
    })
    return {
      settings: { host: '127.0.0.1', port, user: 'postgres', password, database: 'postgres' },
      exited: server.exited.then(held.release),
      stop: server.stop,
    }
  } catch (error) {
    held.release()
    throw error
  }
}

interface InitialiseOptions {
  password: string
  user: ServerUser | null
  /** False: whether it survives the machine's sudden end does not matter. */
  isDurable: boolean
  onProgress: (what: string) => void
}

/** Makes the database beside its place and moves it there last: one that was interrupted is made again. */
async function initialise(
  binaries: Binaries,
  data: string,
  { password, user, isDurable, onProgress }: InitialiseOptions,
): Promise<void> {
  const major = binaries.version.split('.')[0]
  const version = await Bun.file(join(data, 'PG_VERSION'))
    .text()
    .catch(() => null)
  if (version?.trim() === major) return
  if (version) {
    throw new AppError('conflict', `${data} is of PostgreSQL ${version.trim()}; this is PostgreSQL ${major}`)
  }
  onProgress('Initialising the database')
  const unfinished = `${data}.new`
  const secret = `${data}.secret`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { mode: 0o700 })
  if (user) await Bun.$`chown ${user.uid}:${user.gid} ${unfinished}`.quiet()
  await writeFor(user, secret, `${password}\n`)
  try {
    const child = Bun.spawn(
      [
        ...[binaries.initdb, '--pgdata', unfinished, '--username', 'postgres', '--pwfile', secret],
        ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C'],
        ...['--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8', '--no-instructions'],
        ...(isDurable ? [] : ['--no-sync']),
      ],
      {
        ...user,
        cwd: '/',
        detached: true,
        env: { LC_ALL: 'C', TZ: 'UTC' },
        stdin: 'ignore',
        stdout: 'ignore',
        stderr: 'pipe',
      },
    )
    const said = await new Response(child.stderr).text()
    if ((await child.exited) !== 0) {
      throw new AppError('unavailable', `PostgreSQL could not be initialised: ${said.trim()}`)
    }
  } finally {
    await rm(secret, { force: true })
  }
  await rename(unfinished, data)
}
