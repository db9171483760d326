import { createHash } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eachLine } from './lines.ts'

const ROOT = join(import.meta.dir, '..', '..', '..')
const VITE = 'node_modules/vite/bin/vite.js'
/** What the build is made of. */
const SOURCES = ['web/**/*', 'src/shared/core/*.ts', 'bun.lock']
const NOT_SOURCES = /^web\/(dist|node_modules)/
/** In the build: says what it was made from. */
const STAMP = '.sources'

export interface SiteOptions {
  /** Where the sources are. Default: this installation. */
  root?: string
  onProgress: (what: string) => void
  signal?: AbortSignal
}

/**
 * Builds the dashboard into `web/dist` unless it is there and its sources are the same as then. Without it
 * everything but the dashboard works, so a build that fails is told and no more.
 */
export async function buildSite({ root = ROOT, onProgress, signal }: SiteOptions): Promise<void> {
  if (!(await Bun.file(join(root, 'web', 'vite.config.ts')).exists())) return
  const dist = join(root, 'web', 'dist')
  const sources = await hashOf(root)
  if (await isMadeFrom(dist, sources)) return
  onProgress('Building the dashboard, which takes some seconds (only when its source has changed)')
  const startedAt = performance.now()
  // The old one is served until the new one is whole.
  const unfinished = join(root, 'node_modules', `.dashboard-${crypto.randomUUID()}`)
  const failure = await runVite(root, ['build', 'web', '--outDir', unfinished, '--emptyOutDir'], signal)
  try {
    if (signal?.aborted) return
    if (failure !== null) {
      return onProgress(`The dashboard could not be built; everything else works. ${failure}`)
    }
    await writeFile(join(unfinished, STAMP), sources)
    await rename(dist, `${unfinished}.old`).catch(() => {})
    await rename(unfinished, dist).catch(async (error) => {
      // Another launcher may have built it meanwhile.
      if (!(await isMadeFrom(dist, sources))) throw error
    })
    onProgress(`Built the dashboard in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  } finally {
    for (const left of [unfinished, `${unfinished}.old`]) await rm(left, { recursive: true, force: true })
  }
}

export interface DevelopOptions extends SiteOptions {
  /** Of the scheduler on this machine. */
  port: number
}

/** Serves the dashboard from its sources, with hot reload, until `signal` aborts; resolves when that has ended. */
export async function developSite({ root = ROOT, port, onProgress, signal }: DevelopOptions): Promise<void> {
  const child = Bun.spawn([process.execPath, VITE, 'web'], {
    cwd: root,
    env: { ...process.env, SCHEDULER_PORT: String(port) },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    ...(signal && { signal }),
  })
  const failure = new Response(child.stderr).text()
  await eachLine(child.stdout, (line) => {
    const [url] = /http:\/\/localhost:\d+/.exec(Bun.stripANSI(line)) ?? []
    if (url) onProgress(`The dashboard with hot reload: ${url}`)
  })
  const code = await child.exited
  if (code !== 0 && !signal?.aborted) {
    onProgress(`The dashboard is not served with hot reload. ${(await failure).trim()}`)
  }
}

async function isMadeFrom(dist: string, sources: string): Promise<boolean> {
  return (await readFile(join(dist, STAMP), 'utf8').catch(() => '')) === sources
}

/** Of all sources, names and contents. */
async function hashOf(root: string): Promise<string> {
  const scans = SOURCES.map((pattern) => Array.fromAsync(new Bun.Glob(pattern).scan({ cwd: root })))
  const paths = (await Promise.all(scans)).flat().filter((path) => !NOT_SOURCES.test(path))
  const hash = createHash('sha256')
  for (const path of paths.sort()) hash.update(`${path}\0`).update(await readFile(join(root, path)))
  return hash.digest('hex')
}

/** What Vite said when it failed; else null. By this Bun itself: there may be no Node.js here. */
async function runVite(
  root: string,
  args: string[],
  signal: AbortSignal | undefined,
): Promise<string | null> {
  if (signal?.aborted) return 'It was given up.'
  const child = Bun.spawn([process.execPath, VITE, ...args], {
    cwd: root,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    ...(signal && { signal }),
  })
  const [code, out, err] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  return code === 0 ? null : (err || out).trim()
}
