import { afterAll, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import adapter from '../../bench/harness/adapter.json'
import { eachLine } from '../../src/cli/up/lines.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { isAlive } from '../support/up.ts'
import { waitFor } from '../support/wait.ts'

// By the rules of the harness: CONTRIBUTING_ADAPTERS.md, and how its orchestrator reads what an adapter prints.

const MAIN = join(import.meta.dir, '..', '..', 'bench', 'harness', 'main.ts')

/** Those that it requires, and those that its reports show besides. */
const LATENCIES = ['claim', 'subscriber', 'end_to_end', 'producer', 'producer_call'].flatMap((name) =>
  ['p50', 'p95', 'p99'].map((percentile) => `${name}_${percentile}_ms`),
)
const RATES = ['enqueue_rate', 'completion_rate']
const OF_THE_WHOLE = ['queue_depth', 'running_depth', 'total_backlog', 'producer_target_rate']

test.concurrent('it submits and runs what the harness asks for, tells how it went, and stops at once', async () => {
  const database = await createTestDatabase()
  const { sql } = database
  const adapterProcess = startAdapter(database, { PRODUCER_PACING: 'harness', PRODUCER_RATE: '100' })
  const { child, lines } = adapterProcess
  const [descriptor] = await waitFor(() => lines.length > 0 && lines, { what: 'the descriptor' })
  expect(descriptor).toEqual({
    kind: 'descriptor',
    ...{ system: adapter.system, event_tables: adapter.event_tables, event_indexes: adapter.event_indexes },
    ...{ extensions: [], db_name: database.settings.database, instance_id: 0 },
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    schema_version: expect.stringMatching(/^\d{4}_\w+$/),
    started_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
  })
  for (const name of [...adapter.event_tables, ...adapter.event_indexes]) {
    const [found] = await sql<{ relation: string | null }[]>`SELECT to_regclass(${name})::text AS relation`
    expect(found?.relation).toEndWith(name.replace('taskmaster.', ''))
  }

  for (let token = 0; token < 10; token++) child.stdin.write('ENQUEUE 20\n')
  child.stdin.write('what it does not know\n')
  child.stdin.flush()
  const samples = () => lines.slice(1)
  const completed = () => sql<{ count: number }[]>`SELECT count(*)::int FROM tasks WHERE state = 'completed'`
  await waitFor(async () => (await completed())[0]?.count === 200, { what: '200 tasks' })
  for (const metric of RATES) {
    const isAboveZero = (sample: Line) => sample.metric === metric && Number(sample.value) > 0
    await waitFor(() => samples().some(isAboveZero), { what: metric })
  }

  const bySample = Map.groupBy(samples(), ({ t }) => t)
  for (const metrics of [...bySample.values()].slice(0, -1))
    expect(metrics.map(({ metric }) => metric).sort()).toEqual(
      [...LATENCIES, ...RATES, ...OF_THE_WHOLE].sort(),
    )
  for (const sample of samples()) {
    expect(sample).toEqual({
      ...{ t: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), system: 'taskmaster', kind: 'adapter' },
      ...{ subject_kind: 'adapter', subject: '', metric: sample.metric, instance_id: 0 },
      value: expect.any(Number),
      window_s: LATENCIES.includes(String(sample.metric))
        ? 30
        : RATES.includes(String(sample.metric))
          ? 1
          : 0,
    })
  }
  const last = new Map(samples().map(({ metric, value }) => [metric, Number(value)]))
  expect(last.get('claim_p50_ms')).toBeGreaterThan(0)
  expect(last.get('claim_p99_ms')).toBeGreaterThanOrEqual(last.get('claim_p50_ms')!)
  expect(last.get('end_to_end_p50_ms')).toBeGreaterThan(last.get('claim_p50_ms')!)
  expect(last.get('producer_target_rate')).toBe(100)

  const asked = performance.now()
  child.kill('SIGTERM')
  expect(await child.exited).toBe(0)
  expect(performance.now() - asked).toBeLessThan(5000)
  await untilNobodyIsConnected(database)
}, 60_000)

test.concurrent('another replica tells of itself alone, and when it is killed nothing of it is left to stop in good order', async () => {
  const database = await createTestDatabase()
  const { sql } = database
  const { child, lines } = startAdapter(database, {
    ...{ BENCH_INSTANCE_ID: '1', PRODUCER_RATE: '50', WORKER_COUNT: '2' },
    // A worker that stops in good order waits for what it runs.
    JOB_WORK_MS: '60000',
  })
  const submitted = ({ metric, value }: Line) => metric === 'enqueue_rate' && Number(value) > 0
  await waitFor(() => lines.some(submitted), { what: 'tasks to be submitted' })
  expect(new Set(lines.map(({ instance_id }) => instance_id))).toEqual(new Set([1]))
  expect(lines.filter(({ metric }) => OF_THE_WHOLE.includes(String(metric)))).toEqual([])
  const countRunning = () => sql<{ count: number }[]>`SELECT count(*)::int FROM tasks WHERE state = 'running'`
  await waitFor(async () => (await countRunning())[0]?.count === 2, { what: 'both slots to be busy' })
  const [worker] = await sql<{ name: string; pid: number }[]>`SELECT name, slots, pid FROM workers`
  expect(worker).toMatchObject({ name: 'replica-1', slots: 2 })
  expect(isAlive(worker!.pid)).toBe(true)
  child.kill('SIGKILL')
  await waitFor(() => !isAlive(worker!.pid), { timeoutMs: 10_000, what: 'the worker to end' })
  await untilNobodyIsConnected(database)
}, 60_000)

type Line = Record<string, unknown>

const running = new Set<Bun.Subprocess>()
const folder = await mkdtemp(join(tmpdir(), 'taskmaster-harness-'))

function startAdapter({ settings }: TestDatabase, env: Record<string, string>) {
  const { host, port, user, password, database } = settings
  const child = Bun.spawn([process.execPath, MAIN], {
    env: {
      PATH: process.env.PATH ?? '',
      // What is killed leaves its folders behind.
      TMPDIR: folder,
      DATABASE_URL: `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`,
      ...{ SCENARIO: 'long_horizon', SAMPLE_EVERY_S: '1', WORKER_COUNT: '4' },
      ...env,
    },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  running.add(child)
  child.exited.then(() => running.delete(child))
  const lines: Line[] = []
  // Throws when there is something else on standard output.
  eachLine(child.stdout, (line) => void lines.push(JSON.parse(line) as Line))
  return { child, lines }
}

async function untilNobodyIsConnected({ sql, settings }: TestDatabase): Promise<void> {
  const others = async () => {
    const [{ count } = { count: 1 }] = await sql<{ count: number }[]>`
      SELECT count(*)::int FROM pg_stat_activity
      WHERE datname = ${settings.database} AND application_name <> ${settings.applicationName}`
    return count
  }
  await waitFor(async () => (await others()) === 0, { what: 'the services to end' })
}

afterAll(async () => {
  for (const child of running) child.kill('SIGTERM')
  await Promise.all([...running].map(({ exited }) => exited))
  await rm(folder, { recursive: true })
})
