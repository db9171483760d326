import { afterAll } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eachLine } from '../../src/cli/up/lines.ts'
import { atEnd, lifetime, ofFile } from './lifetime.ts'
import { SHORT_LIVED } from './processes.ts'
import { waitFor } from './wait.ts'

const ROOT = join(import.meta.dir, '..', '..')
const START_LIMIT_MS = 60_000
/** Between two signals at the end. */
const HURRY_MS = 1000

/** Short tasks, and free ports that no other test has. */
const ENV = { SCHEDULER_PORT: '0', COORDINATOR_PORT: '0', TASK_PROCESS_TIME: '200' }

export interface Run {
  code: number
  out: string
  err: string
}

export interface Launcher {
  readonly process: Bun.Subprocess
  /** What it has printed. */
  readonly lines: string[]
  readonly url: string
  /** As Ctrl-C does; the exit code. */
  interrupt(): Promise<number>
}

const folders = new Set<string>()

/** A folder that is removed when the test file ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'taskmaster-up-'))
  folders.add(folder)
  return folder
}

/** Runs a program of ours to its end. */
export async function run(entry: string, args: string[], env: Record<string, string> = {}): Promise<Run> {
  const child = spawn(entry, args, env, ofFile)
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { code, out, err }
}

/** `bun run up` on a folder; resolves when it says that all is running. */
export async function startUp(folder: string, env: Record<string, string> = {}): Promise<Launcher> {
  const child = spawn('src/cli/up.ts', ['--folder', folder], env)
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) eachLine(stream, (line) => lines.push(line))
  let ended = false
  child.exited.then(() => {
    ended = true
  })
  const url = await waitFor(
    () => {
      const ready = lines.some((line) => line.includes('Press Ctrl-C'))
      return ended ? 'ended' : ready && /http:\S+/.exec(lines.join('\n'))?.[0]
    },
    { what: 'the launcher to start', timeoutMs: START_LIMIT_MS },
  )
  if (ended) throw new Error(`the launcher ended: ${lines.join('\n')}`)
  return {
    process: child,
    lines,
    url,
    interrupt() {
      child.kill('SIGINT')
      return child.exited
    },
  }
}

/** A client of a running system's command line. */
export function cli(url: string) {
  return async (...args: string[]): Promise<Run> => run('src/cli/main.ts', args, { TASKMASTER_SERVER: url })
}

/** Whether a process of that number runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function spawn(entry: string, args: string[], env: Record<string, string>, of = lifetime()) {
  const { PATH = '', HOME = '', TMPDIR = '/tmp' } = process.env
  const child = Bun.spawn([process.execPath, join(ROOT, entry), ...args], {
    cwd: ROOT,
    env: { PATH, HOME, TMPDIR, ...SHORT_LIVED, ...ENV, ...env, TASKMASTER_PARENT: '1' },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  child.exited.then(atEnd(() => end(child), of))
  return child
}

/**
 * SIGTERM, because what it started goes down with it only when it ends in order. Again, because its database may be gone by
 * now, and it would wait for that with what it has to report.
 */
async function end(child: Bun.Subprocess): Promise<void> {
  child.kill('SIGTERM')
  const hurry = setInterval(() => child.kill('SIGTERM'), HURRY_MS)
  await child.exited
  clearInterval(hurry)
}

afterAll(async () => {
  await Promise.all([...folders].map((folder) => rm(folder, { recursive: true, force: true })))
})
