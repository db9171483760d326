import type { DatabaseSettings, Sql } from '../../src/shared/store/connect.ts'
import { createTestDatabase, databaseEnv } from './database.ts'
import { lifetime } from './lifetime.ts'
import { type Service, startService } from './processes.ts'
import { waitFor } from './wait.ts'

export interface SystemOptions {
  /** Names of the workers. */
  workers?: string[]
  /** False: there is no scheduler, for tests that submit nothing by REST. */
  hasScheduler?: boolean
  /** For every process. */
  env?: Record<string, string>
  /** A database of the test's own instead of a fresh one of the shared server. */
  database?: { settings: DatabaseSettings; sql: Sql }
}

/** A coordinator, a scheduler and workers, each its own process, on a database of the test's own; all end at once. */
export interface System {
  readonly sql: Sql
  readonly settings: DatabaseSettings
  coordinator: Service
  readonly scheduler: Service
  /** By name. */
  readonly workers: Map<string, Service>
  /** host:port of the coordinator. */
  readonly address: string
  startWorker(name: string, env?: Record<string, string>): Promise<Service>
  /** A new process on the port of the one that was there. */
  restartCoordinator(): Promise<Service>
  get<T>(path: string): Promise<T>
  /** @throws when the answer is not 200, with what it says */
  post<T>(path: string, body: unknown): Promise<T>
  /** Submits a task that is due now; its id. */
  submit(task?: { durationMs?: number; command?: string; [field: string]: unknown }): Promise<string>
  /** Submits so many tasks of the default duration at once; their ids. */
  burst(count: number): Promise<string[]>
  /** The rows of these tasks, in the order of the ids. */
  rows(ids: string[]): Promise<TaskRow[]>
  /** Waits until all of these have ended. */
  ended(ids: string[], timeoutMs?: number): Promise<TaskRow[]>
}

export interface TaskRow {
  id: string
  state: string
  attempt: number
  failures: number
  workerId: number | null
  pickedAt: Date | null
  startedAt: Date | null
  completedAt: Date | null
}

const BATCH = 1000
/** Patience for a machine that runs many tests at once. */
const PATIENT = { DB_CONNECT_TIMEOUT: '10000' }

export async function startSystem({
  workers = [],
  hasScheduler = true,
  env = {},
  database,
}: SystemOptions = {}): Promise<System> {
  const { settings, sql } = database ?? (await createTestDatabase())
  const all = { ...databaseEnv(settings), ...PATIENT, ...env }
  const of = lifetime()
  const coordinator = await startService('coordinator', all, { of })
  const address = `127.0.0.1:${coordinator.port}`
  const running = hasScheduler
    ? await startService('scheduler', { ...all, COORDINATOR_ADDRESS: address }, { of })
    : null
  const scheduler = () => {
    if (!running) throw new Error('This system was started without a scheduler')
    return running
  }
  const url = () => `http://127.0.0.1:${scheduler().port}`

  const system: System = {
    sql,
    settings,
    coordinator,
    get scheduler() {
      return scheduler()
    },
    workers: new Map(),
    address,
    async startWorker(name, own = {}) {
      const identity = { COORDINATOR_ADDRESS: address, WORKER_NAME: name }
      const worker = await startService('worker', { ...env, ...identity, ...own }, { of })
      system.workers.set(name, worker)
      return worker
    },
    async restartCoordinator() {
      const there = { COORDINATOR_PORT: String(coordinator.port) }
      system.coordinator = await startService('coordinator', { ...all, ...there }, { of })
      return system.coordinator
    },
    async get<T>(path: string) {
      const response = await fetch(`${url()}${path}`)
      if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as T
    },
    async post<T>(path: string, body: unknown) {
      const response = await fetch(`${url()}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as T
    },
    async submit({ durationMs, command = 'test', ...more } = {}) {
      const payload = durationMs === undefined ? {} : { payload: { duration_ms: durationMs } }
      const { task_id } = await system.post<{ task_id: string }>('/tasks', { command, ...payload, ...more })
      return task_id
    },
    async burst(count) {
      const ids: string[] = []
      while (ids.length < count) {
        const size = Math.min(BATCH, count - ids.length)
        const batch = await system.post<{ task_ids: string[] }>('/api/schedule/batch', { count: size })
        ids.push(...batch.task_ids)
      }
      return ids
    },
    async rows(ids) {
      return await sql<TaskRow[]>`
        SELECT t.id, t.state, t.attempt, t.failures, t.worker_id AS "workerId", t.picked_at AS "pickedAt",
          t.started_at AS "startedAt", t.completed_at AS "completedAt"
        FROM unnest(${ids}::uuid[]) WITH ORDINALITY AS given (id, n) JOIN tasks t USING (id) ORDER BY n`
    },
    async ended(ids, timeoutMs = 20_000) {
      return await waitFor(
        async () => {
          const [{ ended } = { ended: 0 }] = await sql<[{ ended: number }]>`
            SELECT count(*) AS ended FROM unnest(${ids}::uuid[]) AS given (id) JOIN task_records t USING (id)
            WHERE num_nonnulls(t.completed_at, t.failed_at, t.cancelled_at) > 0`
          if (ended === ids.length) return await system.rows(ids)
          const open = await sql`
            SELECT id, state, attempt FROM tasks WHERE id = ANY(${ids}::uuid[]) AND NOT is_ended(state) LIMIT 3`
          throw new Error(
            `${ids.length - ended} of ${ids.length} have not ended, such as ${Bun.inspect([...open])}`,
          )
        },
        { what: `${ids.length} tasks to end`, timeoutMs },
      )
    },
  }
  await Promise.all(workers.map((name) => system.startWorker(name)))
  return system
}
