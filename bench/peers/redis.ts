import { freePort } from '../../src/cli/up/ports.ts'
import { onEnd, unlessInterrupted } from '../cleanup.ts'
import { temporaryFolder } from '../cluster.ts'

const PROGRAMS = ['redis-server', 'valkey-server']
const START_LIMIT_MS = 10_000

export interface Redis {
  readonly url: string
  stop(): Promise<void>
}

/** The Redis of REDIS_URL, or one started here, where it is installed; it appends to its file, synced every second. */
export async function findRedis(): Promise<Redis | null> {
  const url = process.env.REDIS_URL
  if (url) return { url, stop: async () => {} }
  const program = PROGRAMS.map((name) => Bun.which(name)).find((path) => path !== null)
  if (!program) return null
  const folder = await temporaryFolder('redis')
  const port = await freePort('127.0.0.1')
  await unlessInterrupted()
  const server = Bun.spawn(
    [
      ...[program, '--bind', '127.0.0.1', '--port', String(port), '--dir', folder.path],
      ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''],
    ],
    { detached: true, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' },
  )
  const stop = onEnd(async () => {
    server.kill('SIGTERM')
    await server.exited
    await folder.remove()
  })
  const deadline = performance.now() + START_LIMIT_MS
  while (!(await isListening(port))) {
    if (server.exitCode !== null || performance.now() > deadline) {
      await stop()
      throw new Error(`${program} did not start`)
    }
    await Bun.sleep(20)
  }
  return { url: `redis://127.0.0.1:${port}`, stop }
}

const isListening = (port: number) =>
  Bun.connect({ hostname: '127.0.0.1', port, socket: { data() {} } }).then(
    (socket) => {
      socket.end()
      return true
    },
    () => false,
  )
