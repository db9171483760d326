import { PgBoss } from 'pg-boss'
import postgres from 'postgres'
import type { Peer, PeerSettings } from './peer.ts'

const QUEUE = 'bench'
const BATCH = 500

/**
 * - `raw`: fetches and completes 500 at once, without `work()`
 * - `batches`: `work()` with 500 in a batch, one after the other, woken by notifications
 * - `defaults`: `work()` as it is: one job, and then a look every 2 s
 */
export type PgBossMode = 'raw' | 'batches' | 'defaults'

export async function openPgBoss(settings: PeerSettings, mode: PgBossMode): Promise<Peer> {
  const { host, port, user, password, database } = settings
  const isNotified = mode === 'batches'
  const boss = new PgBoss({ host, port, user, password, database, useListenNotify: isNotified })
  boss.on('error', (error) => console.error(`pg-boss: ${error.message}`))
  await boss.start()
  await boss.createQueue(QUEUE, { notify: isNotified })
  const sql = postgres({ host, port, user, password, database, max: 1 })

  async function workRaw(onStart: () => void) {
    let stopping = false
    const loop = async () => {
      while (!stopping) {
        const jobs = await boss.fetch(QUEUE, { batchSize: BATCH })
        for (const _ of jobs) onStart()
        if (jobs.length === 0) await Bun.sleep(10)
        else
          await boss.complete(
            QUEUE,
            jobs.map(({ id }) => id),
          )
      }
    }
    const looping = loop()
    return () => {
      stopping = true
      return looping
    }
  }

  return {
    addBatch: (count) =>
      boss.insert(
        QUEUE,
        Array.from({ length: count }, () => ({ data: {} })),
      ),
    addOne: () => boss.send(QUEUE, {}),
    async work(onStart) {
      if (mode === 'raw') return await workRaw(onStart)
      const options = mode === 'batches' ? { batchSize: BATCH, burstWhenBatchFull: true } : {}
      await boss.work(QUEUE, options, async (jobs) => {
        for (const _ of jobs) onStart()
      })
      return () => boss.offWork(QUEUE)
    },
    async countOpen() {
      const [row] = await sql<{ open: number }[]>`
        SELECT count(*)::int AS open FROM pgboss.job WHERE state < 'completed' AND name = ${QUEUE}`
      return row?.open ?? 0
    },
    stop: () => Promise.all([boss.stop({ graceful: false }), sql.end()]),
  }
}
