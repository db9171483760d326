import { createPostgresBackend, Queue, runMigrations, Worker, withBackend } from 'bullmq'
import pg from 'pg'
import { connectionString, type Peer, type PeerSettings } from './peer.ts'

const QUEUE = 'bench'
/** Jobs that run at once: on Redis 100 or more is advised; on PostgreSQL each takes a connection of the pool. */
const AT_ONCE = { redis: 100, postgresql: 32 }

export async function openBullMq(settings: PeerSettings, backend: 'redis' | 'postgresql'): Promise<Peer> {
  return backend === 'redis' ? openOnRedis(settings) : await openOnPostgreSql(settings)
}

function openOnRedis({ redisUrl }: PeerSettings): Peer {
  if (!redisUrl) throw new Error('there is no Redis')
  const connection = { url: redisUrl, maxRetriesPerRequest: null }
  const queue = new Queue(QUEUE, { connection })
  return {
    ...produce(queue),
    async work(onStart) {
      const worker = new Worker(QUEUE, async () => onStart(), { connection, concurrency: AT_ONCE.redis })
      await worker.waitUntilReady()
      return () => worker.close()
    },
    async stop() {
      await queue.obliterate({ force: true })
      await queue.close()
    },
  }
}

async function openOnPostgreSql(settings: PeerSettings): Promise<Peer> {
  const pool = new pg.Pool({ connectionString: connectionString(settings), max: 1 })
  const client = await pool.connect()
  await runMigrations(client)
  client.release()
  await pool.end()
  const bound = withBackend(createPostgresBackend)
  const connection = { connectionString: connectionString(settings), max: AT_ONCE.postgresql }
  const queue = new bound.Queue(QUEUE, { connection })
  return {
    ...produce(queue),
    async work(onStart) {
      const worker = new bound.Worker(QUEUE, async () => onStart(), {
        connection,
        concurrency: AT_ONCE.postgresql,
      })
      await worker.waitUntilReady()
      return () => worker.close()
    },
    stop: () => queue.close(),
  }
}

interface Producer {
  add(name: string, data: object): Promise<unknown>
  addBulk(jobs: { name: string; data: object }[]): Promise<unknown>
  getJobCountByTypes(...types: ('wait' | 'active' | 'delayed' | 'prioritized')[]): Promise<number>
}

const produce = (queue: Producer) => ({
  addBatch: (count: number) =>
    queue.addBulk(Array.from({ length: count }, () => ({ name: QUEUE, data: {} }))),
  addOne: () => queue.add(QUEUE, {}),
  countOpen: () => queue.getJobCountByTypes('wait', 'active', 'delayed', 'prioritized'),
})
