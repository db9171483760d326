import { AppError } from '../../shared/core/error.ts'
import { settlesWithin } from './deadline.ts'
import { eachLine } from './lines.ts'
import type { ServerUser } from './server-user.ts'

export interface ServerOptions {
  postgres: string
  data: string
  settings: Record<string, string>
  user: ServerUser | null
  lingerSeconds: number
  onLog: (line: string) => void
}

export interface Server {
  readonly exited: Promise<void>
  stop(): Promise<void>
}

/**
 * Runs the server and watches its standard input: when that ends, whoever started this is gone, and the
 * server is stopped after a while. Without it, a killed launcher would leave a server behind for ever.
 */
const GUARD = `
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
echo $server
(read gone <&3; sleep $LINGER; kill -INT $server) >/dev/null 2>&1 &
guard=$!
wait $server
code=$?
kill $guard 2>/dev/null
exit $code
`
/** Recovery after a crash reads up to max_wal_size of log. */
const START_LIMIT_MS = 120_000
const FAST_LIMIT_MS = 20_000
const IMMEDIATE_LIMIT_MS = 5_000

/**
 * Starts a server in a session of its own, which a terminal's Ctrl-C does not reach, and waits until it
 * accepts connections.
 *
 * @throws `unavailable` with what it said last when it ends instead
 */
export async function runServer(options: ServerOptions): Promise<Server> {
  const flags = Object.entries(options.settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = Bun.spawn(['/bin/sh', '-c', GUARD, 'guard', options.postgres, '-D', options.data, ...flags], {
    ...options.user,
    cwd: '/',
    detached: true,
    env: { LC_ALL: 'C', TZ: 'UTC', LINGER: String(options.lingerSeconds), PATH: '/usr/bin:/bin' },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const started = Promise.withResolvers<'ready'>()
  const pid = Promise.withResolvers<number>()
  const last: string[] = []
  eachLine(child.stdout, (line) => pid.resolve(Number(line)))
  const read = eachLine(child.stderr, (line) => {
    last.splice(0, last.length - 4)
    last.push(line)
    options.onLog(line)
    if (line.includes('database system is ready to accept connections')) started.resolve('ready')
  })
  const exited = child.exited.then(() => {})
  const server = { exited, stop: () => stopServer(pid.promise, exited) }

  const inTime = await settlesWithin(Promise.race([started.promise, exited]), START_LIMIT_MS)
  if (!inTime) await server.stop()
  else if ((await Promise.race([started.promise, read])) === 'ready') return server
  throw new AppError('unavailable', `PostgreSQL could not be started: ${last.join(' ') || 'it said nothing'}`)
}

async function stopServer(pidKnown: Promise<number>, exited: Promise<void>): Promise<void> {
  const pid = await Promise.race([pidKnown, exited])
  for (const [signal, limitMs] of [
    ['SIGINT', FAST_LIMIT_MS],
    ['SIGQUIT', IMMEDIATE_LIMIT_MS],
    ['SIGKILL', IMMEDIATE_LIMIT_MS],
  ] as const) {
    if (pid) signalServer(pid, signal)
    if (await settlesWithin(exited, limitMs)) return
  }
}

function signalServer(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended already.
  }
}
