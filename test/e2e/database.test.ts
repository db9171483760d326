import { afterAll, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/cli/up/postgres.ts'
import { connect, type Sql } from '../../src/shared/store/connect.ts'
import { migrate } from '../../src/shared/store/migrate.ts'
import { databaseEnv } from '../support/database.ts'
import { type Service, startService } from '../support/processes.ts'
import { poolSettings } from '../support/server.ts'
import { type StreamRun, startStreamWorker } from '../support/stream-worker.ts'
import { startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

const folders: string[] = []
const servers = new Set<EmbeddedPostgres>()
const pools: Sql[] = []

afterAll(async () => {
  await Promise.all(pools.map((sql) => sql.end({ timeout: 1 })))
  await Promise.all([...servers].map((server) => server.stop()))
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })))
})

/** A server that a test may stop and start again where it was. */
async function startServer() {
  const folder = await mkdtemp(join(tmpdir(), 'taskmaster-restart-'))
  folders.push(folder)
  const start = async (port?: number) => {
    const server = await startEmbeddedPostgres({
      folder,
      settings: { shared_buffers: '32MB' },
      ...(port && { port }),
    })
    servers.add(server)
    return server
  }
  let server = await start()
  const settings = { ...server.settings, ...poolSettings }
  const sql = connect(settings)
  pools.push(sql)
  const own = connect({ ...settings, poolMax: 1 })
  await migrate(own)
  await own.end()
  return {
    settings,
    sql,
    async stop() {
      servers.delete(server)
      await server.stop()
    },
    async start() {
      server = await start(settings.port)
    },
  }
}

/** Lets the database itself write down every outcome it accepts, and refuse to change one. */
async function keepOutcomes(sql: Sql): Promise<void> {
  await sql.unsafe(`
    CREATE TABLE outcomes (task_id uuid, attempt integer, worker_id bigint);
    CREATE FUNCTION keep_outcome() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO outcomes VALUES (NEW.id, NEW.attempt, NEW.worker_id);
      RETURN NULL;
    END $$;
    CREATE TRIGGER keep_outcome AFTER UPDATE ON task_records FOR EACH ROW
      WHEN (NEW.completed_at IS NOT NULL OR NEW.failed_at IS NOT NULL) EXECUTE FUNCTION keep_outcome()`)
}

const warned = ({ logs }: Service) => logs.filter(({ level }) => level === 'warn')

test('a database that is restarted under load loses nothing, and nothing runs twice', async () => {
  const server = await startServer()
  await keepOutcomes(server.sql)
  const system = await startSystem({
    workers: ['worker-1', 'worker-2'],
    env: { TASK_PROCESS_TIME: '20' },
    database: server,
  })
  const witnesses = await Promise.all(
    [1, 2].map((id) => startStreamWorker({ id, coordinator: system.address, takesMs: 20 })),
  )
  await system.ended(await system.burst(50)) // all is up

  // Submitted without pause, through the restarts: what was answered with 200 must run.
  const ids: string[] = []
  const refused: string[] = []
  let submitting = true
  const submitter = (async () => {
    while (submitting) {
      const outcome = await system.burst(20).then(
        (batch) => ids.push(...batch),
        (error: Error) => refused.push(error.message),
      )
      await Bun.sleep(typeof outcome === 'number' ? 20 : 50)
    }
  })()
  const moreAreTaken = async () => {
    const before = ids.length
    await waitFor(() => ids.length >= before + 200, { what: 'tasks to be submitted', timeoutMs: 30_000 })
  }

  await moreAreTaken()
  for (let restart = 1; restart <= 2; restart++) {
    const refusals = refused.length
    await server.stop()
    await waitFor(() => refused.length > refusals, { what: 'a submit to be refused' })
    await server.start()
    const startedAt = performance.now()
    const [first] = await waitFor(() => system.burst(1), { what: 'a submit to be taken again' })
    await system.ended([first as string])
    const tookMs = performance.now() - startedAt
    console.log(`database: tasks run again ${tookMs.toFixed(0)} ms after restart ${restart}`)
    await moreAreTaken()
  }
  submitting = false
  await submitter

  const rows = await system.ended(ids, 30_000)
  expect(rows.filter(({ state, failures }) => state !== 'completed' || failures > 0)).toEqual([])
  const [twice] = await server.sql<{ tasks: number }[]>`
    SELECT count(*) AS tasks FROM (SELECT FROM outcomes GROUP BY task_id HAVING count(*) > 1) AS twice`
  expect(twice!.tasks).toBe(0)
  const runs = witnesses.flatMap((witness): StreamRun[] => witness.runs)
  expect(runs.length).toBeGreaterThan(100)
  expect(new Set(runs.map(({ taskId }) => taskId)).size).toBe(runs.length)

  const asUnavailable = /POST \/api\/schedule\/batch: 503 .*"unavailable"/
  expect(refused.filter((message) => !asUnavailable.test(message))).toEqual([])
  expect(warned(system.coordinator).length).toBeGreaterThan(0)
  for (const service of [system.coordinator, system.scheduler]) {
    expect(service.logs.filter(({ level }) => /error|fatal|raw/.test(level))).toEqual([])
  }
  // Nobody was taken for dead meanwhile.
  for (const worker of system.workers.values()) expect(warned(worker)).toEqual([])
  const removed = system.coordinator.logs.filter(({ msg }) => msg.startsWith('Removing'))
  expect(removed).toEqual([])
  console.log(`database: ${ids.length} tasks through 2 restarts, ${refused.length} submits refused`)
}, 90_000)

test('services that start before their database wait for it', async () => {
  const server = await startServer()
  await server.stop()
  const env = databaseEnv(server.settings)
  const services = await Promise.all(
    (['coordinator', 'scheduler'] as const).map((name) => startService(name, env, { untilReady: false })),
  )
  const haveSaid = async (message: string) => {
    await waitFor(() => services.every(({ logs }) => logs.some(({ msg }) => msg === message)), {
      what: `both to say ${message}`,
      timeoutMs: 15_000,
    })
  }
  await haveSaid('Failed to connect to the database. Retrying in 5 seconds...')
  await server.start()
  await haveSaid('Connected to the database.')
  await waitFor(() => services.every(({ port }) => port > 0), { what: 'both to serve' })
})
