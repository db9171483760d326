import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const ROOT = join(import.meta.dir, '..', '..')
/** Says which lock file `node_modules` was made from: asking `bun install` takes half a second. */
const STAMP = join(ROOT, 'node_modules', '.taskmaster-installed')

/**
 * Runs the module `entry` after making sure that the dependencies are there. When they have to be installed
 * first, it runs in a new process, because this one has already decided how it finds packages.
 *
 * This file and its callers import nothing that needs installing.
 */
export async function runInstalled(entry: string): Promise<void> {
  if (await isInstalled()) {
    await import(entry)
    return
  }
  await install()
  const child = Bun.spawn([process.execPath, entry, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit'],
  })
  // Ctrl-C reaches the child by itself, being in the same process group; it decides when we end.
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  process.exit(await child.exited)
}

async function isInstalled(): Promise<boolean> {
  return (await readFile(STAMP, 'utf8').catch(() => '')) === (await lockFileHash())
}

async function install(): Promise<void> {
  console.log('Installing dependencies ...')
  // The running Bun, because there may be none on PATH.
  const child = Bun.spawn([process.execPath, 'install', '--frozen-lockfile'], {
    cwd: ROOT,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [code, out, err] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  if (code !== 0) {
    console.error(`${out}${err}`.trim())
    console.error(
      'Error: the dependencies could not be installed. Is there a network, and a package registry?',
    )
    process.exit(1)
  }
  await writeFile(STAMP, await lockFileHash())
}

async function lockFileHash(): Promise<string> {
  return createHash('sha256')
    .update(await readFile(join(ROOT, 'bun.lock')))
    .digest('hex')
}
