import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eachLine } from '../../src/cli/up/lines.ts'

const ROOT = join(import.meta.dir, '..', '..')
const START_LIMIT_MS = 120_000

export interface Shown {
  readonly url: string
  /** @throws when it is refused */
  post(path: string, body: object): Promise<void>
  stop(): Promise<void>
}

/** `bun run up` in a folder of its own, with so many workers. */
export async function startShown(workers: number): Promise<Shown> {
  const folder = await mkdtemp(join(tmpdir(), 'taskmaster-screenshots-'))
  const { PATH = '', HOME = '', TMPDIR = '/tmp' } = process.env
  const ports = { SCHEDULER_PORT: '0', COORDINATOR_PORT: '0' }
  const child = Bun.spawn([process.execPath, join(ROOT, 'src/cli/up.ts'), '--folder', folder], {
    cwd: ROOT,
    env: { PATH, HOME, TMPDIR, ...ports, WORKERS: String(workers), TASKMASTER_PARENT: '1' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const stop = async () => {
    child.kill('SIGTERM')
    await child.exited
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const url = await findUrl(child.stdout)
    return {
      url,
      stop,
      async post(path, body) {
        const response = await fetch(`${url}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
        if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Where it says that it is, once all is up. */
async function findUrl(out: ReadableStream<Uint8Array>): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const timer = setTimeout(reject, START_LIMIT_MS, new Error('the system did not start'))
  let url: string | undefined
  eachLine(out, (line) => {
    url ??= /http:\/\/[^\s]+/.exec(Bun.stripANSI(line))?.[0]
    if (url && line.includes('Press Ctrl-C')) resolve(url)
  }).then(() => reject(new Error('the system ended')))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}
