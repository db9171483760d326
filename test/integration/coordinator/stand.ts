import { afterAll } from 'bun:test'
import { credentials, ServerCredentials, type ServiceError } from '@grpc/grpc-js'
import pino from 'pino'
import { readConfig } from '../../../src/coordinator/config.ts'
import { createControl } from '../../../src/coordinator/control.ts'
import { startCoordinator } from '../../../src/coordinator/coordinator.ts'
import type { AttemptLog } from '../../../src/shared/rpc/gen/grpcapi/AttemptLog.ts'
import type { CoordinatorMessage__Output } from '../../../src/shared/rpc/gen/grpcapi/CoordinatorMessage.ts'
import type { Hello } from '../../../src/shared/rpc/gen/grpcapi/Hello.ts'
import type { Report } from '../../../src/shared/rpc/gen/grpcapi/Report.ts'
import type { Task__Output } from '../../../src/shared/rpc/gen/grpcapi/Task.ts'
import type { WorkerMessage } from '../../../src/shared/rpc/gen/grpcapi/WorkerMessage.ts'
import { Control, CoordinatorService, TaskService } from '../../../src/shared/rpc/load.ts'
import { createGrpcServer } from '../../../src/shared/rpc/server.ts'
import type { Troubles } from '../../../src/shared/runtime/troubles.ts'
import type { Sql } from '../../../src/shared/store/connect.ts'
import { createTestDatabase, databaseEnv, type TestDatabase } from '../../support/database.ts'
import { waitFor } from '../../support/wait.ts'

export interface Stand {
  readonly sql: Sql
  readonly address: string
  /** What the coordinator logged, without what only debugging wants. */
  readonly logged: { level: string; msg: string }[]
  readonly troubles: Troubles
  stop(): Promise<void>
}

const stops = new Set<() => Promise<void>>()

/** A coordinator inside the test process, on a real database and a real gRPC server. */
export async function startStand(
  env: Record<string, string> = {},
  database?: TestDatabase,
): Promise<Stand & { database: TestDatabase }> {
  const own = database ?? (await createTestDatabase())
  const logged: Stand['logged'] = []
  const log = pino(
    { level: 'info', formatters: { level: (level) => ({ level }) } },
    { write: (line: string) => logged.push(JSON.parse(line)) },
  )
  const coordinator = await startCoordinator(
    own.sql,
    readConfig({ ...databaseEnv(own.settings), ...env }, []),
    log,
  )
  const server = createGrpcServer()
  server.addService(CoordinatorService.service, coordinator.service)
  server.addService(TaskService.service, coordinator.taskService)
  const control = createControl(coordinator.id, coordinator.troubles, coordinator.express)
  server.addService(Control.service, control.handlers)
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
  const stop = async () => {
    if (!stops.delete(stop)) return
    await coordinator.stop()
    server.forceShutdown()
  }
  stops.add(stop)
  return {
    database: own,
    sql: own.sql,
    address: `127.0.0.1:${port}`,
    logged,
    troubles: coordinator.troubles,
    stop,
  }
}

/** Waits until no claim is on its way that was made before. */
export async function calm(sql: Sql): Promise<void> {
  let times = 0
  const isCalm = async () => {
    const busy = await sql`
      SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid() AND query ~ 'tasks'`
    times = busy.length === 0 ? times + 1 : 0
    return times >= 5
  }
  await waitFor(isCalm, { what: 'the coordinator to have nothing to do' })
}

/** The worker's end of a dispatch stream, message by message. */
export interface RawWorker {
  readonly received: CoordinatorMessage__Output[]
  /** Every task it was given. */
  readonly tasks: Task__Output[]
  readonly isOver: boolean
  /** The status by which the coordinator ended the stream, unless all is well. */
  readonly failure: { code: number; details: string } | null
  send(message: WorkerMessage): void
  /** Sends reports as one message and answers with its sequence. */
  report(...items: Report[]): number
  /** The same, with lines of attempts. */
  reportWith(logs: AttemptLog[], ...items: Report[]): number
  acknowledged(sequence: number): Promise<unknown>
  given(count: number): Promise<Task__Output[]>
  /** Breaks the stream without a word. */
  cut(): void
  /** Says that nothing more comes. */
  end(): void
}

const raws = new Set<RawWorker>()
let lastId = 0

/** Opens a stream; with `hello`, greets and waits until it is welcomed or turned away. */
export async function openRaw(address: string, hello?: Hello): Promise<RawWorker> {
  const client = new CoordinatorService(address, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  })
  const stream = client.Work()
  const received: CoordinatorMessage__Output[] = []
  const tasks: Task__Output[] = []
  let over = false
  let sequence = 0
  stream.on('data', (message: CoordinatorMessage__Output) => {
    received.push(message)
    if (message.tasks) tasks.push(...message.tasks.items)
  })
  stream.on('end', () => {
    over = true
  })
  let failure: RawWorker['failure'] = null
  stream.on('error', ({ code, details }: ServiceError) => {
    failure = { code, details }
    over = true
  })
  const raw: RawWorker = {
    received,
    tasks,
    get isOver() {
      return over
    },
    get failure() {
      return failure
    },
    send: (message) => void stream.write(message),
    report: (...items) => raw.reportWith([], ...items),
    reportWith(logs, ...items) {
      stream.write({ reports: { sequence: ++sequence, items, logs } })
      return sequence
    },
    acknowledged: (upTo) =>
      waitFor(() => received.some((message) => (message.ack?.sequence ?? 0) >= upTo), {
        what: `acknowledgement of ${upTo}`,
      }),
    given: (count) => waitFor(() => tasks.length >= count && tasks, { what: `${count} tasks` }),
    cut() {
      raws.delete(raw)
      stream.cancel()
      client.close()
    },
    end: () => stream.end(),
  }
  raws.add(raw)
  if (hello) {
    raw.send({ hello: { worker_id: ++lastId, name: 'raw', slots: 5, executors: ['simulate'], ...hello } })
    await waitFor(() => over || received.some(({ welcome }) => welcome), { what: 'a welcome' })
  }
  return raw
}

/** The report of a task that a raw worker was given. */
export function reportOf(
  { task_id, attempt }: Pick<Task__Output, 'task_id' | 'attempt'>,
  kind: NonNullable<Report['kind']>,
  more: Report = {},
): Report {
  const times = { started_ago_ms: kind === 'RETURNED' ? -1 : 2, ended_ago_ms: kind === 'STARTED' ? -1 : 1 }
  return { task_id, attempt, kind, slot: 1, ...times, ...more }
}

afterAll(async () => {
  for (const raw of raws) raw.cut()
  for (const stop of stops) await stop()
})
