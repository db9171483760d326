import { chmod, mkdtemp, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Sql } from '../../shared/store/connect.ts'
import { describeOpen, readTables } from '../../shared/store/evidence.ts'
import { checkEvidence } from './check.ts'
import { startCluster } from './cluster.ts'
import { readHistory } from './collect.ts'
import type { Evidence } from './evidence.ts'
import type { FaultKind } from './faults.ts'
import { createInjector } from './inject.ts'
import { startLoad } from './load.ts'
import { ALL_KINDS, MAX_CONNECTIONS, planFaults } from './plan.ts'
import { createRandom } from './random.ts'
import { watchReadiness } from './readiness.ts'
import { type ChaosReport, summarise } from './report.ts'
import { startRestartableServer } from './server.ts'
import { createStore } from './store.ts'
import { startSchedule } from './ticks.ts'

/** From the end of the faults until everything has ended. */
const DRAIN_LIMIT_MS = 60_000
const PROGRESS_MS = 5000
/** How long what was not acknowledged by then is submitted again. */
const PATIENCE_MS = 15_000
const DRAIN_PAUSE_MS = 100
/** How long a scheduler may take to find its way back to the database. */
const AUDIT_LIMIT_MS = 20_000
const ANSWER_LIMIT_MS = 5000
/** What MAX_LOST_ATTEMPTS is unless it is set. */
const MAX_LOSSES = 5
/** Clocks are read to the millisecond somewhere. */
const CLOCK_GRAIN_MS = 1
const SERVER_SETTINGS = {
  max_connections: String(MAX_CONNECTIONS),
  // The least that PostgreSQL takes, so that the queue is soon full.
  max_notify_queue_pages: '64',
}

export interface ChaosOptions {
  seed: number
  durationMs: number
  /** The kinds of faults to choose from; all by default. */
  kinds?: readonly FaultKind[]
  /** Keep logs and history even when nothing is wrong. */
  keep: boolean
  /** Aborted: stop at once, without a report. */
  signal: AbortSignal
  onProgress: (what: string) => void
}

/** Starts a cluster, breaks it in every way for a while, and checks what became of every task. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const folder = await mkdtemp(join(tmpdir(), 'taskmaster-chaos-'))
  // PostgreSQL runs as another user when we are root.
  await chmod(folder, 0o755)
  let keep = true
  const closing: (() => Promise<unknown>)[] = []
  try {
    const report = await run(options, folder, closing)
    keep = options.keep || !report.ok
    return { ...report, folder: keep ? folder : null }
  } catch (error) {
    keep = !options.signal.aborted
    throw error
  } finally {
    for (const close of closing.reverse()) await close()
    await clear(folder, keep)
  }
}

async function run(
  { seed, durationMs, kinds = ALL_KINDS, signal, onProgress }: ChaosOptions,
  folder: string,
  closing: (() => Promise<unknown>)[],
): Promise<Omit<ChaosReport, 'folder'>> {
  const plan = planFaults(seed, durationMs, kinds)
  const random = createRandom(seed ^ 0x5eed)
  onProgress(`Seed ${seed}: ${plan.faults.length} faults in ${durationMs / 1000} s. Starting the cluster`)
  const server = await startRestartableServer(folder, () => {}, SERVER_SETTINGS)
  closing.push(() => server.stop())
  const store = await createStore(server)
  closing.push(() => store.end())
  const { sql } = store
  signal.throwIfAborted()
  const cluster = await startCluster({ seed, folder, database: store.settings })
  closing.push(() => cluster.stop())
  signal.throwIfAborted()

  await startSchedule(cluster.urls[0] ?? '', durationMs)
  const startedAt = performance.now()
  const clock = readClock()
  const sinceStart = () => performance.now() - startedAt
  const faults: ChaosReport['faults'] = []
  const onFault = (what: string) => {
    faults.push({ atMs: Math.round(sinceStart()), what })
  }
  const injector = createInjector({ cluster, server, store, onFault })
  closing.push(() => injector.liftAll())
  const readiness = watchReadiness(cluster.urls)
  closing.push(() => readiness.stop())
  // A task that takes workers down would excuse what is to be seen when it is still.
  const crashAfterMs = plan.weather === 'still' ? null : durationMs / 2
  const load = startLoad({ urls: cluster.urls, random, seed, crashAfterMs })
  closing.push(() => load.stop(0))

  const progress = setInterval(() => {
    const seconds = Math.round(sinceStart() / 1000)
    onProgress(`${seconds} s: ${load.acknowledged} tasks acknowledged, ${faults.length} faults`)
  }, PROGRESS_MS)
  closing.push(async () => clearInterval(progress))
  for (const fault of plan.faults) {
    await until(startedAt + fault.atMs, signal)
    injector.inject(fault)
  }
  await until(startedAt + durationMs, signal)

  await injector.liftAll()
  onProgress('The faults are over. Waiting for every task to end')
  const lifted = performance.now()
  const liftedAt = performance.timeOrigin + lifted
  await load.stop(PATIENCE_MS)
  const open = await drain(sql, signal)
  const drainMs = performance.now() - lifted
  const audits = await Promise.all(cluster.urls.map((url) => audit(url, signal)))
  await readiness.stop()
  // What ends now was not made to.
  const ends = [...cluster.ends]
  await cluster.stop()

  const evidence: Evidence = {
    submissions: load.records,
    history: await readHistory(cluster.history),
    ...(await readTables(sql)),
    clockErrorMs: CLOCK_GRAIN_MS + Math.abs(readClock() - clock),
    maxLosses: MAX_LOSSES,
    weather: plan.weather,
    disturbances: injector.disturbances,
    ends,
    readiness: readiness.samples,
    serverErrors: load.serverErrors,
    liftedAt,
  }
  const checks = [
    { name: 'everything ends once the faults are over', looked: 1, violations: open },
    { name: 'the auditors find nothing in the end', looked: audits.length, violations: audits.flat() },
    ...checkEvidence(evidence),
  ]
  return {
    ok: checks.every(({ violations }) => violations.length === 0),
    seed,
    durationMs,
    drainMs,
    weather: plan.weather,
    replay: replayOf(seed, durationMs, kinds),
    ...summarise(evidence),
    clockErrorMs: evidence.clockErrorMs,
    faults,
    processEnds: ends.length,
    checks,
  }
}

function replayOf(seed: number, durationMs: number, kinds: readonly FaultKind[]): string {
  const chosen = kinds === ALL_KINDS ? '' : ` --faults ${kinds.join(',')}`
  return `bun run taskmaster chaos --seed ${seed} --duration ${durationMs}ms${chosen}`
}

/** Waits until no task is open; what is wrong when that takes too long. */
async function drain(sql: Sql, signal: AbortSignal): Promise<string[]> {
  const deadline = performance.now() + DRAIN_LIMIT_MS
  for (;;) {
    signal.throwIfAborted()
    // Connections that a restart has cut are found out by using them.
    const open = await describeOpen(sql).catch((error: Error) => [
      `the database does not answer: ${error.message}`,
    ])
    if (open.length === 0 || performance.now() > deadline) return open
    await Bun.sleep(DRAIN_PAUSE_MS)
  }
}

/** What the auditor of a scheduler finds, or why it does not say. */
async function audit(url: string, signal: AbortSignal): Promise<string[]> {
  const deadline = performance.now() + AUDIT_LIMIT_MS
  for (;;) {
    signal.throwIfAborted()
    const found = await fetch(`${url}/api/audit`, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) })
      .then(async (response) =>
        response.ok ? ((await response.json()) as { findings: string[] }) : response.status,
      )
      .catch((error: Error) => error.message)
    if (typeof found === 'object') return found.findings.map((finding) => `${url}: ${finding}`)
    // Its connections, too, may be cut without its knowing.
    if (performance.now() > deadline) return [`${url}/api/audit does not answer: ${found}`]
    await Bun.sleep(DRAIN_PAUSE_MS)
  }
}

/** How far this process's own clock, as the executors' is, is from the machine's, in ms. */
const readClock = () => performance.timeOrigin + performance.now() - Date.now()

async function until(at: number, signal: AbortSignal): Promise<void> {
  const waitMs = at - performance.now()
  if (waitMs > 0) {
    const aborted = Promise.withResolvers<void>()
    const onAbort = () => aborted.resolve()
    signal.addEventListener('abort', onAbort, { once: true })
    await Promise.race([Bun.sleep(waitMs), aborted.promise])
    signal.removeEventListener('abort', onAbort)
  }
  signal.throwIfAborted()
}

/** Removes the folder, or only its database, which says no more than the report does. */
async function clear(folder: string, keep: boolean): Promise<void> {
  const elsewhere = await readlink(join(folder, 'elsewhere')).catch(() => null)
  if (elsewhere) await rm(elsewhere, { recursive: true, force: true })
  await rm(keep ? join(folder, 'data') : folder, { recursive: true, force: true })
}
