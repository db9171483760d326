import { join } from 'node:path'
import { eachLine } from '../../src/cli/up/lines.ts'
import { type LogLine, parseLogLine } from '../../src/cli/up/log-line.ts'
import { entryOf, READY, RUNTIME, type ServiceName } from '../../src/cli/up/services.ts'
import { atEnd, type Lifetime, lifetime } from './lifetime.ts'

const ROOT = join(import.meta.dir, '..', '..')

const START_LIMIT_MS = 20_000
/**
 * Processes that live for seconds spend a fifth of their time on optimizing what ends before it pays. Tests of speed have it
 * on, by `FULL_SPEED`.
 */
export const SHORT_LIVED = { BUN_JSC_useDFGJIT: '0' }
export const FULL_SPEED = { BUN_JSC_useDFGJIT: '1' }

export interface Service {
  readonly process: Bun.Subprocess
  readonly pid: number
  /** Where it listens; 0 when it has not said so. */
  readonly port: number
  /** Every line it has logged; one that is not JSON has the level `raw`. */
  readonly logs: LogLine[]
  kill(signal: NodeJS.Signals): void
  /** Asks it to end and waits until it has; the exit code. */
  stop(): Promise<number>
  /** The exit code, once it has ended. */
  readonly exited: Promise<number>
}

export interface StartOptions {
  /** False: return at once instead of waiting for its ready line. */
  untilReady?: boolean
  /** With what it ends; by default with the test that runs, or with the test file. */
  of?: Lifetime
}

/**
 * Starts a service as its own process, on any free port unless `env` says otherwise, and waits until it is
 * up. Should the test process be killed, it ends, too.
 */
export async function startService(
  name: ServiceName,
  env: Record<string, string>,
  { untilReady = true, of = lifetime() }: StartOptions = {},
): Promise<Service> {
  const child = Bun.spawn([process.execPath, entryOf(name)], {
    cwd: ROOT,
    env: {
      ...inherited(),
      ...RUNTIME,
      ...SHORT_LIVED,
      ...{ COORDINATOR_PORT: '0', SCHEDULER_PORT: '0' },
      ...env,
      TASKMASTER_PARENT: '1',
    },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const forget = atEnd(() => {
    child.kill('SIGKILL')
    return child.exited
  }, of)
  child.exited.then(forget)

  const logs: LogLine[] = []
  let port = 0
  const ready = Promise.withResolvers<'ready'>()
  const onLine = (line: string) => {
    const entry = parseLogLine(line)
    logs.push(entry)
    if (!READY[name].test(entry.msg)) return
    port = Number(entry.port ?? /:(\d+)\s*$/.exec(entry.msg)?.[1] ?? 0)
    ready.resolve('ready')
  }
  const read = Promise.all([eachLine(child.stdout, onLine), eachLine(child.stderr, onLine)])
  const exited = child.exited.then(async (code) => {
    await read
    return code
  })
  const service: Service = {
    process: child,
    pid: child.pid,
    get port() {
      return port
    },
    logs,
    kill: (signal) => child.kill(signal),
    stop() {
      child.kill('SIGTERM')
      return exited
    },
    exited,
  }
  if (!untilReady) return service

  const limit = Promise.withResolvers<'late'>()
  const timer = setTimeout(() => limit.resolve('late'), START_LIMIT_MS)
  const outcome = await Promise.race([ready.promise, limit.promise, exited])
  clearTimeout(timer)
  if (outcome === 'ready') return service
  child.kill('SIGKILL')
  const said = logs.slice(-10).map((line) => Bun.inspect(line))
  throw new Error(`${name} did not start (${outcome}): ${said.join('\n') || 'it said nothing'}`)
}

/** Nothing of ours from outside: settings that happen to be set there must not reach a test. */
function inherited(): Record<string, string> {
  const { PATH = '', HOME = '', TMPDIR = '/tmp' } = process.env
  return { PATH, HOME, TMPDIR }
}
