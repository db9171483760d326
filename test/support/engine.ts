import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitFor } from './wait.ts'

const ROOT = join(import.meta.dir, '..', '..')
const PROJECT = 'taskmaster-test-'

export interface Ran {
  code: number
  out: string
  err: string
}

/** Runs a program without a shell; its output and code. */
export async function run(command: string[], env: Record<string, string> = {}): Promise<Ran> {
  // The classic builder is the one that every engine has.
  const child = Bun.spawn(command, {
    cwd: ROOT,
    env: { ...process.env, DOCKER_BUILDKIT: '0', COMPOSE_DOCKER_CLI_BUILD: '0', ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [code, out, err] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  return { code, out: out.trim(), err: err.trim() }
}

/** What docker printed. @throws when it fails, with what it said */
export async function docker(...args: string[]): Promise<string> {
  return await must(['docker', ...args])
}

async function must(command: string[], env: Record<string, string> = {}): Promise<string> {
  const { code, out, err } = await run(command, env)
  if (code !== 0) throw new Error(`${command.join(' ')}: ${code}\n${err.slice(-3000)}`)
  return out
}

async function findEngine(): Promise<boolean> {
  try {
    const [info, compose] = await Promise.all([
      run(['docker', 'info']),
      run(['docker', 'compose', 'version']),
    ])
    return info.code === 0 && compose.code === 0
  } catch {
    return false // no such program
  }
}

/** Whether there is a Docker engine to test with; said once per file when there is none. */
export const hasEngine = await findEngine()
if (!hasEngine)
  console.log('No Docker engine answers, so the tests with containers are skipped: start Docker.')

/** Time for images to be built and containers to start, for `beforeAll` and tests. */
export const PATIENCE_MS = 300_000

/**
 * Builds the images, of which the engine keeps every layer that has not changed. Files that need them may run side by
 * side: then the second waits for the first instead of building the same again.
 */
export async function buildImages(): Promise<void> {
  const alone = Bun.which('flock') ? ['flock', join(tmpdir(), 'taskmaster-test-images.lock')] : []
  await must([...alone, 'docker', 'compose', '--profile', 'scaling', 'build'], {
    COMPOSE_PROJECT_NAME: 'taskmaster',
  })
}

export interface Container {
  id: string
  name: string
  /** As `docker ps` shows it, such as `running` or `exited`. */
  state: string
}

/** The stack of docker-compose.yml, as a project of the test's own on ports of its own. */
export interface Stack {
  readonly project: string
  readonly url: string
  /** `docker compose …` for this project. */
  compose(...args: string[]): Promise<string>
  /** The containers of a service, running or not, as Compose numbers them. */
  containers(service: string): Promise<Container[]>
  get<T>(path: string): Promise<T>
  /** The status and the body of the answer, whatever they are. */
  post<T>(path: string, body: unknown): Promise<{ status: number; body: T }>
  /** Waits until the API is ready and so many workers are live. */
  ready(workers: number, timeoutMs?: number): Promise<void>
  /** Removes all of it, with the volumes. */
  remove(): Promise<void>
}

export async function createStack(env: Record<string, string> = {}): Promise<Stack> {
  await removeLeftovers()
  const project = `${PROJECT}${process.pid}`
  const [scheduler, coordinator] = await Promise.all([freePort(), freePort()])
  const settings = {
    COMPOSE_PROJECT_NAME: project,
    SCHEDULER_PORT: String(scheduler),
    COORDINATOR_PORT: String(coordinator),
    // Any that is free.
    POSTGRES_PORT: '0',
    ...env,
  }
  const url = `http://127.0.0.1:${scheduler}`
  const compose = (...args: string[]) =>
    must(['docker', 'compose', '--profile', 'scaling', ...args], settings)
  return {
    project,
    url,
    compose,
    containers: (service) =>
      listContainers(
        `label=com.docker.compose.project=${project}`,
        `label=com.docker.compose.service=${service}`,
      ),
    get: (path) => getJson(`${url}${path}`),
    post: (path, body) => postJson(`${url}${path}`, body),
    ready: (workers, timeoutMs) => becomeReady(url, workers, timeoutMs),
    async remove() {
      await compose('down', '--volumes', '--remove-orphans', '--timeout', '1')
    },
  }
}

export async function getJson<T>(url: string): Promise<T> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`GET ${url}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

export async function postJson<T>(url: string, body: unknown): Promise<{ status: number; body: T }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as T }
}

export async function becomeReady(url: string, workers: number, timeoutMs = 60_000): Promise<void> {
  await waitFor(
    async () => {
      if (!(await fetch(`${url}/readyz`)).ok) return false
      return (await getJson<unknown[]>(`${url}/api/workers`)).length === workers
    },
    { what: `${workers} workers behind ${url}`, timeoutMs },
  )
}

/** The containers that meet all these filters of `docker ps`, oldest first. */
export async function listContainers(...filters: string[]): Promise<Container[]> {
  const format = '{{.ID}}\t{{.Names}}\t{{.State}}'
  const given = filters.flatMap((filter) => ['--filter', filter])
  const out = await docker('ps', '--all', '--no-trunc', '--format', format, ...given)
  const containers = out
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [id = '', name = '', state = ''] = line.split('\t')
      return { id, name, state }
    })
  return containers.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
}

/** A run that was killed could not remove its containers. */
async function removeLeftovers(): Promise<void> {
  const found = await docker('ps', '--all', '--format', '{{.Label "com.docker.compose.project"}}')
  const projects = new Set(found.split('\n').filter((name) => name.startsWith(PROJECT)))
  for (const project of projects) {
    if (isAlive(Number(project.slice(PROJECT.length)))) continue
    await must(['docker', 'compose', '--profile', 'scaling', 'down', '--volumes', '--timeout', '1'], {
      COMPOSE_PROJECT_NAME: project,
    })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

export async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const server = createServer().on('error', reject)
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
  })
  return await promise
}
