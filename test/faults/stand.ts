import { afterAll } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readHistory } from '../../src/cli/chaos/collect.ts'
import type { HistoryEvent } from '../../src/cli/chaos/evidence.ts'
import { createProxy, type TcpProxy } from '../../src/cli/chaos/proxy.ts'
import { freePort } from '../../src/cli/up/ports.ts'
import { type NewTask, newTask, type PastAttempt, type Task } from '../../src/shared/core/task.ts'
import { listAttempts } from '../../src/shared/store/attempts.ts'
import type { DatabaseSettings, Sql } from '../../src/shared/store/connect.ts'
import { findTask, insertTasks } from '../../src/shared/store/tasks.ts'
import { createTestDatabase, databaseEnv } from '../support/database.ts'
import { type Service, type StartOptions, startService } from '../support/processes.ts'
import { waitFor } from '../support/wait.ts'

/** Leases that end within two seconds, and nothing that is left to a scan unless a test asks for one. */
const SETTINGS = {
  LOG_LEVEL: 'info',
  HEARTBEAT_INTERVAL: '500',
  SCAN_INTERVAL: '60000',
  RETRY_BACKOFF: '10',
  WORKER_POOL_SIZE: '2',
}

const closing: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A database, and real processes on it that a test starts and ends as it likes. */
export interface Stand {
  readonly sql: Sql
  readonly settings: DatabaseSettings
  coordinator(env?: Record<string, string>, options?: StartOptions): Promise<Service>
  /** @param to host:port of each coordinator that it may go to */
  worker(name: string, to: string[], env?: Record<string, string>, options?: StartOptions): Promise<Service>
  scheduler(to: string[], env?: Record<string, string>, options?: StartOptions): Promise<Service>
  /** Stores tasks that take so long, due now; their ids. */
  submit(count: number, durationMs: number, rest?: Partial<NewTask>): Promise<string[]>
  task(id: string): Promise<Task>
  past(id: string): Promise<PastAttempt[]>
  /** Waits until the task looks like that. */
  until(id: string, what: Partial<Task>, timeoutMs?: number): Promise<Task>
  /** What the executors wrote, of one task or of all. */
  history(id?: string): Promise<HistoryEvent[]>
  /** Waits until an executor has written that. */
  happened(id: string, attempt: number, event: HistoryEvent['event']): Promise<HistoryEvent>
}

/** @param given a database of a server of the test's own */
export async function createStand(given?: Pick<Stand, 'sql' | 'settings'>): Promise<Stand> {
  const database = given ?? (await createTestDatabase())
  const { sql } = database
  const folder = await temporaryFolder()
  const file = join(folder, 'history.jsonl')
  const store = { ...SETTINGS, ...databaseEnv(database.settings) }

  async function task(id: string): Promise<Task> {
    const found = await findTask(sql, id)
    if (!found) throw new Error(`there is no task ${id}`)
    return found
  }

  async function history(id?: string): Promise<HistoryEvent[]> {
    return (await readHistory(file)).filter(({ taskId }) => id === undefined || taskId === id)
  }

  return {
    sql,
    settings: database.settings,
    coordinator: (env = {}, options = {}) => startService('coordinator', { ...store, ...env }, options),
    worker: (name, to, env = {}, options = {}) =>
      startService(
        'worker',
        {
          ...SETTINGS,
          WORKER_NAME: name,
          COORDINATOR_ADDRESS: to.join(','),
          SIMULATE_HISTORY: file,
          ...env,
        },
        options,
      ),
    scheduler: (to, env = {}, options = {}) =>
      startService('scheduler', { ...store, COORDINATOR_ADDRESS: to.join(','), ...env }, options),
    async submit(count, durationMs, rest = {}) {
      const tasks = Array.from({ length: count }, () =>
        newTask({
          id: Bun.randomUUIDv7(),
          command: 'x',
          payload: { duration_ms: durationMs },
          scheduledAt: new Date(),
          delayMs: 0,
          ...rest,
        }),
      )
      await insertTasks(sql, tasks)
      return tasks.map(({ id }) => id)
    },
    task,
    past: (id) => listAttempts(sql, id),
    until: (id, what, timeoutMs = 10_000) =>
      waitFor(
        async () => {
          const found = await task(id)
          const wanted = Object.entries(what)
          return wanted.every(([name, value]) => found[name as keyof Task] === value) && found
        },
        { what: `task ${id} to have ${Bun.inspect(what)}`, timeoutMs },
      ),
    history,
    happened: (id, attempt, event) =>
      waitFor(
        async () => (await history(id)).find((line) => line.attempt === attempt && line.event === event),
        { what: `attempt ${attempt} of ${id}: ${event}` },
      ),
  }
}

export const addressOf = ({ port }: Pick<Service, 'port'>) => `127.0.0.1:${port}`

/** A way to a service that can be made to misbehave. */
export async function wayTo(service: Pick<Service, 'port'>): Promise<TcpProxy> {
  const proxy = await createProxy({ host: '127.0.0.1', port: () => service.port })
  closing.push(() => proxy.close())
  return proxy
}

/** Ports on which nobody listens, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) ports.add(await freePort('127.0.0.1'))
  return [...ports]
}

/** Removed when the test file ends. Other users, as which PostgreSQL runs, may enter it. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'taskmaster-faults-'))
  closing.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export function atTheEnd(close: () => Promise<unknown>): void {
  closing.push(close)
}
