import { eachLine } from './lines.ts'
import { isAtLeast, type LogLine, parseLogLine } from './log-line.ts'
import { entryOf, READY, RUNTIME, type ServiceName } from './services.ts'

export interface ChildOptions {
  service: ServiceName
  env: Record<string, string>
  /** Restart it in place when a source file changes. */
  watch: boolean
  /** Files that are run in it before its program. */
  preload?: string[]
  /** Each line that it writes, as it is and as it reads. */
  onLine: (text: string, line: LogLine) => void
  /** What it says over its IPC channel, which it has only with this. */
  onMessage?: (message: unknown, reply: (answer: object) => void) => void
}

/** One run of a service as a process of its own. */
export interface Child {
  readonly pid: number
  /** The first line that says it is up; never settles when it ends before. */
  readonly ready: Promise<LogLine>
  /** How it ended: `code 1` or `SIGKILL`. */
  readonly exited: Promise<string>
  /** The first error that it wrote; empty when there was none. */
  readonly complaint: string
  kill(signal: NodeJS.Signals): void
}

/**
 * Starts a service in a session of its own, so that a terminal's Ctrl-C reaches only the launcher, with a pipe
 * for its standard input, whose end tells it that the launcher is gone.
 */
export function startChild({ service, env, watch, preload = [], onLine, onMessage }: ChildOptions): Child {
  const ready = Promise.withResolvers<LogLine>()
  let complaint = ''
  const watching = watch ? ['--watch', '--no-clear-screen'] : []
  const preloading = preload.flatMap((file) => ['--preload', file])
  const options: Bun.Spawn.SpawnOptions<'pipe', 'pipe', 'pipe'> = {
    detached: true,
    env: { ...RUNTIME, ...env, TASKMASTER_PARENT: '1' },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  }
  if (onMessage) {
    options.serialization = 'json'
    options.ipc = (message, from) => onMessage(message, (answer) => from.send(answer))
  }
  const child = Bun.spawn([process.execPath, ...watching, ...preloading, entryOf(service)], options)
  const read = Promise.all(
    [child.stdout, child.stderr].map((stream) =>
      eachLine(stream, (text) => {
        const line = parseLogLine(text)
        onLine(text, line)
        if (isAtLeast(line, 'error')) complaint ||= line.msg
        if (READY[service].test(line.msg)) ready.resolve(line)
      }),
    ),
  )
  return {
    pid: child.pid,
    ready: ready.promise,
    get complaint() {
      return complaint
    },
    exited: Promise.all([child.exited, read]).then(([code]) => String(child.signalCode ?? `code ${code}`)),
    kill: (signal) => child.kill(signal),
  }
}
