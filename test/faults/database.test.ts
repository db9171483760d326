import { expect, test } from 'bun:test'
import { startRestartableServer } from '../../src/cli/chaos/server.ts'
import { connect } from '../../src/shared/store/connect.ts'
import { readCounts } from '../../src/shared/store/counts.ts'
import { databaseEnv } from '../support/database.ts'
import { startService } from '../support/processes.ts'
import { randomFor } from '../support/seed.ts'
import { poolSettings } from '../support/server.ts'
import { waitFor } from '../support/wait.ts'
import { addressOf, atTheEnd, createStand, temporaryFolder, wayTo } from './stand.ts'

const random = randomFor('restarts of the database')

/** Long enough for several; FAULTS_RESTART_SECONDS=60 for more. */
const RESTART_FOR_MS = 1000 * Number(process.env.FAULTS_RESTART_SECONDS ?? 9)
const RESTART_EVERY_MS = { min: 2000, spread: 2000 }
/** Of one client: together they submit some 200 tasks a second. */
const BETWEEN_MS = 20

async function post(port: number, path: string, body: object) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as { task_id: string },
  }
}

test(
  'PostgreSQL restarted again and again under load: all that was acknowledged is done, once',
  async () => {
    const server = await startRestartableServer(await temporaryFolder(), () => {})
    const sql = connect({ ...server.settings, ...poolSettings })
    atTheEnd(() => server.stop())
    atTheEnd(() => sql.end({ timeout: 1 }))
    const store = { ...databaseEnv({ ...server.settings, ...poolSettings }), DB_STATEMENT_TIMEOUT: '2000' }
    const coordinator = await startService('coordinator', store)
    const COORDINATOR_ADDRESS = addressOf(coordinator)
    const scheduler = await startService('scheduler', { ...store, COORDINATOR_ADDRESS })
    await Promise.all(
      ['a', 'b'].map((WORKER_NAME) => startService('worker', { WORKER_NAME, COORDINATOR_ADDRESS })),
    )

    const acknowledged = new Set<string>()
    const refusals = new Set<number>()
    let over = false
    async function load(client: number) {
      for (let n = 0; !over; n++) {
        // Again and again under the same key, until somebody says that it is stored.
        for (let done = false; !done && !over; ) {
          const body = { command: 'x', payload: { duration_ms: 10 }, idempotency_key: `${client}-${n}` }
          const answer = await post(scheduler.port, '/tasks', body)
          done = answer.status === 200
          if (done) {
            acknowledged.add(answer.body.task_id)
            await Bun.sleep(BETWEEN_MS)
          } else {
            refusals.add(answer.status)
            expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
            await Bun.sleep(50)
          }
        }
      }
    }
    const loading = Promise.all(Array.from({ length: 4 }, (_, client) => load(client)))
    const startedAt = performance.now()
    for (let turn = 0; performance.now() - startedAt < RESTART_FOR_MS; turn++) {
      await Bun.sleep(RESTART_EVERY_MS.min + random.next() * RESTART_EVERY_MS.spread)
      await server.restart(turn % 2 === 0 ? 'immediate' : 'fast')
    }
    over = true
    await loading

    expect([...refusals].filter((status) => status !== 503)).toEqual([])
    expect(acknowledged.size).toBeGreaterThan(0)
    await waitFor(
      async () => {
        const ids = [...acknowledged]
        const [row] = await sql`
        SELECT count(*) FILTER (WHERE state = 'completed') AS done, count(*) AS there FROM tasks WHERE id = ANY(${ids}::uuid[])`
        expect(row?.there).toBe(ids.length)
        return row?.done === ids.length
      },
      { what: 'all that was acknowledged to complete', timeoutMs: 20_000 },
    )
    const counts = await readCounts(sql)
    const [row] = await sql`SELECT count(*) AS count FROM tasks WHERE state = 'completed'`
    expect(counts.get('completed')).toBe(row?.count)
  },
  60_000 + RESTART_FOR_MS,
)

test('COMMIT done but the reply lost: the same request again gives that task', async () => {
  const stand = await createStand()
  const to = [addressOf(await stand.coordinator())]
  const { host, port } = stand.settings
  const way = await wayTo({ port })
  expect(host).toBe('127.0.0.1')
  const scheduler = await stand.scheduler(to, {
    POSTGRES_PORT: String(way.port),
    DB_STATEMENT_TIMEOUT: '300',
  })
  const body = { command: 'x', idempotency_key: 'once' }
  const other = () => ({ command: 'other', idempotency_key: crypto.randomUUID() })
  const named = (key: string) =>
    stand.sql<{ id: string }[]>`SELECT id FROM tasks WHERE idempotency_key = ${key}`
  const stored = await waitFor(
    async () => {
      // By a statement that its connection knows: then only the reply to it, COMMIT and all, is lost.
      way.set(null)
      for (let n = 0; n < 5; n++) {
        await waitFor(async () => (await post(scheduler.port, '/tasks', other())).status === 200, {
          what: 'the database to be back',
        })
      }
      way.set({ kind: 'deaf' })
      expect((await post(scheduler.port, '/tasks', body)).status).toBe(503)
      return (await named('once'))[0]
    },
    { what: 'a task that was stored and not acknowledged', timeoutMs: 20_000 },
  )
  way.set(null)
  const answer = await waitFor(
    async () => {
      const again = await post(scheduler.port, '/tasks', body)
      return again.status === 200 && again.body
    },
    { what: 'an answer' },
  )
  expect(answer.task_id).toBe(stored.id)
  expect(await named('once')).toHaveLength(1)
})

test('the backends that LISTEN are killed: work flows on, without waiting for a scan', async () => {
  const stand = await createStand()
  const to = [addressOf(await stand.coordinator())]
  await stand.worker('a', to)
  const [first = ''] = await stand.submit(1, 0)
  await stand.until(first, { state: 'completed' })
  for (let round = 0; round < 3; round++) {
    // The task before may have been done before anybody listened again.
    const kill = () => stand.sql`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND query ILIKE 'listen %' AND pid <> pg_backend_pid()`
    await waitFor(async () => (await kill()).length > 0, { what: 'somebody to listen' })
    const [id = ''] = await stand.submit(1, 0)
    await stand.until(id, { state: 'completed' }, 3000)
  }
})
