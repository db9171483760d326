import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { prepareBinaries } from '../src/cli/up/binaries.ts'
import { dataPlace, ROOT_PLACE } from '../src/cli/up/place.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/cli/up/postgres.ts'
import { runServer } from '../src/cli/up/server.ts'
import { serverUser } from '../src/cli/up/server-user.ts'
import { AppError } from '../src/shared/core/error.ts'
import { connect } from '../src/shared/store/connect.ts'
import { POOL } from './cluster.ts'

const SOURCE = join(import.meta.dir, 'slow-fdatasync.c')
const COMPILERS = ['cc', 'gcc', 'clang']

/** Why an fdatasync cannot be slowed here; null when it can. */
export function whyNotSlow(): string | null {
  if (process.platform !== 'linux') return 'LD_PRELOAD and fdatasync are of Linux; this is no Linux.'
  if (findCompiler()) return null
  return `No C compiler was found (${COMPILERS.join(', ')}). Install one to slow the disk, such as with: apt-get install gcc libc6-dev`
}

const findCompiler = () => COMPILERS.map((name) => Bun.which(name)).find((path) => path !== null)

/** An embedded PostgreSQL whose every fdatasync takes so much longer; the folder is a temporary one. */
export function slowPostgres(delayMs: number): (options: { folder: string }) => Promise<EmbeddedPostgres> {
  return async ({ folder }) => {
    // Once as it is, which makes the database and says what it is started with.
    const first = await startEmbeddedPostgres({ folder })
    const flags = await settingsOf(first)
    await first.stop()

    const user = serverUser()
    const place = await dataPlace(folder, user)
    const { postgres } = await prepareBinaries(user, user ? ROOT_PLACE : folder, () => {})
    const library = await compile(place)
    const program = join(place, 'slow-postgres')
    await Bun.write(
      program,
      `#!/bin/sh\nSLOW_FDATASYNC_US=${delayMs * 1000} LD_PRELOAD='${library}' exec '${postgres}' "$@"\n`,
    )
    await chmod(program, 0o755)
    const server = await runServer({
      postgres: program,
      data: join(place, 'data'),
      settings: flags,
      user,
      lingerSeconds: 0,
      onLog: () => {},
    })
    return { settings: first.settings, exited: server.exited, stop: server.stop }
  }
}

/** The settings that the server was started with. */
async function settingsOf({ settings }: EmbeddedPostgres): Promise<Record<string, string>> {
  const sql = connect({ ...settings, ...POOL, poolMax: 1 })
  const rows = await sql<{ name: string; setting: string }[]>`
    SELECT name, setting FROM pg_settings WHERE source = 'command line'`
  await sql.end()
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))
}

async function compile(folder: string): Promise<string> {
  const why = whyNotSlow()
  if (why) throw new AppError('unavailable', why)
  const library = join(folder, 'slow-fdatasync.so')
  const child = Bun.spawn([findCompiler() ?? '', '-shared', '-fPIC', '-O2', '-o', library, SOURCE, '-ldl'], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const said = await new Response(child.stderr).text()
  if ((await child.exited) !== 0) throw new Error(`${SOURCE} could not be compiled: ${said.trim()}`)
  await chmod(library, 0o755)
  return library
}
