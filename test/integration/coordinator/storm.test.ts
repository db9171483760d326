import { afterAll, expect, test } from 'bun:test'
import pino from 'pino'
import type { Report } from '../../../src/shared/core/report.ts'
import { TASK_STATES, type TaskRef } from '../../../src/shared/core/task.ts'
import { readCounts } from '../../../src/shared/store/counts.ts'
import { readConfig } from '../../../src/worker/config.ts'
import { openStreamLink } from '../../../src/worker/links/stream.ts'
import type { Pool } from '../../../src/worker/pool.ts'
import { createReporter } from '../../../src/worker/reporter.ts'
import { type Session, startSession } from '../../../src/worker/session.ts'
import { createTestDatabase } from '../../support/database.ts'
import { randomFor } from '../../support/seed.ts'
import { insert, statesInTable } from '../../support/store.ts'
import { waitFor } from '../../support/wait.ts'
import { createProxy, type TcpProxy } from '../scheduler/proxy.ts'
import { startStand } from './stand.ts'

const STORM_MS = 5000
const WORKERS = 4
const SLOTS = 3
const LONGEST_MS = 20
const FAILURE_RATE = 0.1

interface Run {
  worker: number
  taskId: string
  attempt: number
  ok: boolean
}

const runs: Run[] = []
const random = randomFor('storm of connections')
const between = (min: number, max: number) => min + random.next() * (max - min)
const oneOf = <T>(list: T[]) => random.pick(list)

/** Slots without threads: what counts here is who is told what. */
function createTimedPool(worker: number, onReport: (report: Report) => void): Pool {
  const queue: { taskId: string; attempt: number }[] = []
  const running = new Map<string, { taskId: string; attempt: number; timer: Timer }>()
  const key = (task: { taskId: string; attempt: number }) => `${task.taskId}#${task.attempt}`
  const known = new Set<string>()
  const report = (
    task: { taskId: string; attempt: number },
    kind: Report['kind'],
    more: Partial<Report> = {},
  ) =>
    onReport({
      ...{ taskId: task.taskId, attempt: task.attempt, kind, slot: 0 },
      ...{ startedAt: null, endedAt: null, error: null, output: null },
      ...more,
    })

  function fill() {
    while (running.size < SLOTS && queue.length > 0) {
      const task = queue.shift()!
      const startedAt = performance.now()
      report(task, 'started', { startedAt })
      const timer = setTimeout(
        () => {
          const ok = !random.chance(FAILURE_RATE)
          running.delete(key(task))
          runs.push({ worker, ...task, ok })
          report(task, ok ? 'completed' : 'failed', { startedAt, endedAt: performance.now() })
          fill()
        },
        between(0, LONGEST_MS),
      )
      running.set(key(task), { ...task, timer })
    }
  }

  function takeBack(
    tasks: { taskId: string; attempt: number }[],
    onQueued: (task: Run | (typeof tasks)[0]) => void,
  ) {
    const wanted = new Set(tasks.map(key))
    for (const task of queue.filter((queued) => wanted.has(key(queued)))) {
      queue.splice(queue.indexOf(task), 1)
      known.delete(key(task))
      onQueued(task)
    }
    return wanted
  }

  function take({ taskId, attempt }: TaskRef) {
    if (known.has(key({ taskId, attempt }))) return
    known.add(key({ taskId, attempt }))
    queue.push({ taskId, attempt })
    fill()
  }

  return {
    take,
    takeAll: (tasks) => tasks.forEach(take),
    recall: (tasks) => void takeBack(tasks, (task) => report(task, 'returned')),
    drain: () => void takeBack([...queue], (task) => report(task, 'returned')),
    cancel() {}, // nobody asks for it here
    revoke(tasks) {
      for (const wanted of takeBack(tasks, () => {})) {
        const found = running.get(wanted)
        if (found) clearTimeout(found.timer)
        running.delete(wanted)
      }
      fill()
    },
    size: () => 0,
    held: () => [
      ...[...running.values()].map(({ taskId, attempt }) => ({ taskId, attempt, started: true })),
      ...queue.map((task) => ({ ...task, started: false })),
    ],
    idle: () => Promise.resolve(),
    stop() {},
  }
}

const sessions: Session[] = []
const proxies: TcpProxy[] = []
afterAll(async () => {
  await Promise.all(sessions.map((session) => session.stop()))
  await Promise.all(proxies.map((proxy) => proxy.close()))
})

async function startWorker(index: number, coordinators: string[]) {
  const own = await Promise.all(
    coordinators.map(async (address) => {
      const proxy = await createProxy({ host: '127.0.0.1', port: Number(address.split(':')[1]) })
      proxies.push(proxy)
      return proxy
    }),
  )
  const addresses = own.map(({ host, port }) => `${host}:${port}`)
  const config = readConfig(
    { COORDINATOR_ADDRESS: addresses.join(','), HEARTBEAT_INTERVAL: '100', WORKER_POOL_SIZE: String(SLOTS) },
    [],
  )
  const reporter = createReporter()
  const pool = createTimedPool(index, reporter.add)
  let greetings = 0
  sessions.push(
    startSession({
      coordinators: addresses,
      log: pino({ level: 'silent' }),
      openStream: (address) =>
        openStreamLink({
          ...{ address, greeting: ++greetings, config, hostname: 'storm', pool, reporter },
          executors: ['simulate'],
          isDraining: () => false,
        }),
      openPush: () => Promise.reject(new Error('there is a dispatch stream')),
    }),
  )
}

test('whatever breaks, every task is completed once, by the attempt that the table names', async () => {
  const database = await createTestDatabase()
  const { sql } = database
  const env = {
    HEARTBEAT_INTERVAL: '200',
    RETRY_BACKOFF: '20',
    SCAN_INTERVAL: '500',
    RECONNECT_WINDOW: '100',
  }
  const stands = [await startStand(env, database), await startStand(env, database)]
  const coordinators = stands.map(({ address }) => address)
  await Promise.all(Array.from({ length: WORKERS }, (_, index) => startWorker(index, coordinators)))

  const faults = {
    async wayCut() {
      const proxy = oneOf(proxies)
      await proxy.close()
      await Bun.sleep(between(0, 400))
      await proxy.open()
    },
    // In one statement: a transaction of postgres.js whose connection ends takes the process with it.
    async tableLocked() {
      const table = oneOf(['tasks', 'workers'])
      await sql.unsafe(
        `DO $$ BEGIN LOCK TABLE ${table} IN EXCLUSIVE MODE; PERFORM pg_sleep(${between(0, 0.2)}); END $$`,
      )
    },
    // Not while the driver asks for the array types: nobody catches that query when it fails. Services log it.
    async connectionsEnded() {
      await sql`
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.5
          AND query <> '' AND query NOT LIKE '%typarray%'`
    },
  }

  const ids: string[] = []
  const stormEnds = performance.now() + STORM_MS
  const endure = async (fault: () => Promise<unknown>, pauseMs: number) => {
    while (performance.now() < stormEnds) {
      await Bun.sleep(between(0, pauseMs))
      await fault().catch(() => {}) // faults meet each other
    }
  }
  const submit = async () => {
    ids.push(
      ...(await insert(sql, 40, {
        maxRetries: 1000,
        scheduledAt: new Date(Date.now() + between(-200, 200)),
      })),
    )
  }
  await Promise.all([
    endure(faults.wayCut, 100),
    endure(faults.wayCut, 300),
    endure(faults.tableLocked, 600),
    endure(faults.connectionsEnded, 1500),
    endure(submit, 300),
  ])

  // An insert whose connection ended after its commit is there too, and counts.
  const total = await waitFor(async () => (await sql`SELECT FROM tasks`).length, { what: 'the tasks' })
  expect(total).toBeGreaterThanOrEqual(ids.length)
  await waitFor(
    async () => {
      const states = await statesInTable(sql)
      if (states.completed !== total) throw new Error(`of ${total}: ${JSON.stringify(states)}`)
      return true
    },
    { what: 'all tasks to be completed', timeoutMs: 20_000 },
  )

  const rows = await sql<
    { id: string; attempt: number; failures: number }[]
  >`SELECT id, attempt, failures FROM tasks`
  const attempts = runs.map(({ taskId, attempt }) => `${taskId}#${attempt}`)
  expect(new Set(attempts).size).toBe(attempts.length)
  const good = new Set(runs.filter(({ ok }) => ok).map(({ taskId, attempt }) => `${taskId}#${attempt}`))
  expect(rows.filter(({ id, attempt }) => !good.has(`${id}#${attempt}`))).toEqual([])
  const failed = Map.groupBy(
    runs.filter(({ ok }) => !ok),
    ({ taskId }) => taskId,
  )
  expect(rows.filter(({ id, failures }) => failures > (failed.get(id)?.length ?? 0))).toEqual([])

  const counts = await readCounts(sql)
  expect(Object.fromEntries(TASK_STATES.map((state) => [state, counts.get(state) ?? 0]))).toEqual({
    ...{ pending: 0, assigned: 0, running: 0, completed: total, failed: 0, cancelled: 0 },
  })
  console.log(
    `storm: ${total} tasks, ${runs.length} runs, ${rows.reduce((sum, { attempt }) => sum + attempt, 0)} attempts`,
  )
  const errors = stands
    .flatMap(({ logged }) => logged)
    .filter(({ level }) => level === 'error' || level === 'fatal')
  expect(errors).toEqual([])
}, 60_000)
