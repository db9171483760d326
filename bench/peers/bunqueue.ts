import { dirname, join } from 'node:path'
import { Queue, Worker } from 'bunqueue/client'
import { freePort } from '../../src/cli/up/ports.ts'
import { connectionString, type Peer, type PeerSettings } from './peer.ts'

const QUEUE = 'bench'
const CONCURRENCY = 100
const START_LIMIT_MS = 20_000

/** Its server is a process of its own; in this one are its clients. */
export async function openBunqueue(settings: PeerSettings): Promise<Peer> {
  const port = await freePort('127.0.0.1')
  const httpPort = await freePort('127.0.0.1')
  const main = join(dirname(Bun.resolveSync('bunqueue', import.meta.dir)), 'main.js')
  const server = Bun.spawn([process.execPath, main], {
    env: {
      PATH: process.env.PATH ?? '',
      HOST: '127.0.0.1',
      TCP_PORT: String(port),
      HTTP_PORT: String(httpPort),
      LOG_LEVEL: 'error',
      BUNQUEUE_STORAGE_DRIVER: 'postgres',
      BUNQUEUE_POSTGRES_URL: connectionString(settings),
    },
    stdout: 'ignore',
    stderr: 'inherit',
  })
  process.on('exit', () => server.kill('SIGKILL'))
  await untilHealthy(`http://127.0.0.1:${httpPort}/health`, server)
  const connection = { host: '127.0.0.1', port }
  const queue = new Queue(QUEUE, { connection })
  return {
    addBatch: (count) => queue.addBulk(Array.from({ length: count }, () => ({ name: QUEUE, data: {} }))),
    addOne: () => queue.add(QUEUE, {}),
    async work(onStart) {
      const worker = new Worker(QUEUE, async () => onStart(), {
        connection,
        concurrency: CONCURRENCY,
        batchSize: CONCURRENCY,
        pollTimeout: 5000,
      })
      return () => worker.close()
    },
    async countOpen() {
      const { waiting, active, delayed, prioritized } = await queue.getJobCountsAsync()
      return waiting + active + delayed + prioritized
    },
    async stop() {
      await queue.close()
      server.kill('SIGTERM')
      await server.exited
    },
  }
}

async function untilHealthy(url: string, server: Bun.Subprocess): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS
  while (performance.now() < deadline) {
    if (server.exitCode !== null) throw new Error(`its server ended: code ${server.exitCode}`)
    const isUp = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isUp) return
    await Bun.sleep(50)
  }
  throw new Error(`its server was not up in ${START_LIMIT_MS / 1000} s`)
}
