import { readPeer } from '../shared/core/address.ts'
import { AppError } from '../shared/core/error.ts'
import { PLAIN } from '../shared/core/lane.ts'
import type { ReportKind } from '../shared/core/report.ts'
import { type Assignment, type NewTask, newTask, type TaskRef } from '../shared/core/task.ts'
import { isUuid } from '../shared/core/uuid.ts'
import type { Log } from '../shared/log.ts'
import type { ClientTaskRequest__Output } from '../shared/rpc/gen/grpcapi/ClientTaskRequest.ts'
import type { ClientTaskResponse } from '../shared/rpc/gen/grpcapi/ClientTaskResponse.ts'
import type { HeartbeatRequest__Output } from '../shared/rpc/gen/grpcapi/HeartbeatRequest.ts'
import type { HeartbeatResponse } from '../shared/rpc/gen/grpcapi/HeartbeatResponse.ts'
import type { ListWorkersResponse } from '../shared/rpc/gen/grpcapi/ListWorkersResponse.ts'
import type { UpdateTaskStatusRequest__Output } from '../shared/rpc/gen/grpcapi/UpdateTaskStatusRequest.ts'
import type { UpdateTaskStatusResponse } from '../shared/rpc/gen/grpcapi/UpdateTaskStatusResponse.ts'
import type { WorkerReport } from '../shared/store/dispatch.ts'
import type { Worker } from '../shared/store/workers.ts'
import { createPushLink } from './links/push.ts'
import type { PushTargets } from './push-target.ts'
import type { Connection, Registry } from './registry.ts'
import type { Roster } from './roster.ts'
import { NO_WORKERS } from './status.ts'

/** Slots of a worker that knows only the unary calls: they cannot say how many it has. */
const PUSH_SLOTS = 5
const PUSH_DEADLINE_MS = 5000
const MAX_COMMAND_LENGTH = 65_536
/** Workers of all kinds that one coordinator serves by their addresses alone. */
const MAX_WORKERS = 10_000

export interface DocumentedOptions {
  registry: Registry
  roster: Roster
  log: Log
  targets: PushTargets
  insert: (task: NewTask) => Promise<void>
  listWorkers: () => Promise<Worker[]>
  /** The held attempt of a task by the table, for reporters that do not know attempts. */
  findHeldAttempt: (taskId: string) => Promise<{ attempt: number; workerId: number } | null>
  report: (report: WorkerReport) => Promise<void>
  /** A task was stored. */
  onSubmitted: () => void
}

/** The documented RPCs, for clients and workers that know only those. */
export interface Documented {
  submitTask(request: ClientTaskRequest__Output): Promise<ClientTaskResponse>
  sendHeartbeat(request: HeartbeatRequest__Output, peer: string): Promise<HeartbeatResponse>
  updateTaskStatus(request: UpdateTaskStatusRequest__Output): Promise<UpdateTaskStatusResponse>
  listWorkers(): Promise<ListWorkersResponse>
}

/** A number that is no status arrives as itself. */
const KINDS: Record<string | number, ReportKind> = {
  STARTED: 'started',
  COMPLETE: 'completed',
  FAILED: 'failed',
}

export function createDocumented(options: DocumentedOptions): Documented {
  const { registry, roster, log } = options
  const registering = new Map<number, Promise<unknown>>()
  /** Where the heartbeats of a worker came from when its address was looked up. */
  const peers = new WeakMap<Connection, string>()

  async function register(id: number, address: string, peer: string) {
    const link = createPushLink({
      address: await options.targets.resolve(address, peer),
      deadlineMs: PUSH_DEADLINE_MS,
      onRefused: (task, reason) => handBack(id, task, reason),
      onCancel: (task) => giveUp(id, task),
    })
    const { connection } = await registry.connect(
      {
        id,
        name: `Worker-${id}`,
        address,
        link: 'push',
        slots: PUSH_SLOTS,
        ...PLAIN,
        hostname: '',
        pid: 0,
      },
      link,
      null,
    )
    peers.set(connection, hostOf(peer))
  }

  /** It is given nothing more until it is heard from again, and the task goes to another. */
  function handBack(workerId: number, { taskId, attempt }: Assignment, reason: string) {
    log.warn({ workerId, taskId, reason }, 'A worker did not take a task')
    roster.setAvailable(workerId, false)
    close({ taskId, attempt }, workerId, 'returned')
  }

  /** Nothing can be told to it: the task ends here, and what the worker says of it later changes nothing. */
  const giveUp = (workerId: number, task: TaskRef) => close(task, workerId, 'cancelled')

  function close({ taskId, attempt }: TaskRef, workerId: number, kind: 'returned' | 'cancelled') {
    const report = {
      taskId,
      attempt,
      workerId,
      kind,
      slot: 0,
      startedAt: null,
      endedAt: null,
      error: null,
      output: null,
    }
    options.report(report).catch((error) => log.error({ err: error, taskId }, 'Could not take a task back'))
  }

  /** Is there a worker that another coordinator can place work on? */
  async function isWorkerElsewhere() {
    return (await options.listWorkers()).some((worker) => !worker.draining && !registry.get(worker.id))
  }

  return {
    async submitTask({ data }) {
      if (data.length === 0 || data.length > MAX_COMMAND_LENGTH || data.includes('\0')) {
        throw new AppError('invalid', `data must have 1 to ${MAX_COMMAND_LENGTH} characters and no NUL`)
      }
      if (roster.available().length === 0 && !(await isWorkerElsewhere())) {
        throw new AppError('unavailable', NO_WORKERS)
      }
      const task = newTask({ id: Bun.randomUUIDv7(), command: data, scheduledAt: new Date(), delayMs: 0 })
      await options.insert(task)
      options.onSubmitted()
      return { message: 'Task submitted successfully', task_id: task.id }
    },

    async sendHeartbeat({ workerId, address }, peer) {
      const known = registry.get(workerId)
      // The same name from another host is another address.
      if (known?.identity.address === address && peers.get(known) === hostOf(peer)) {
        registry.heard(known, false)
      } else {
        if (registering.size + roster.size >= MAX_WORKERS) throw new AppError('too_many', 'too many workers')
        // Two heartbeats of a new worker may overlap; it registers once.
        const pending =
          registering.get(workerId) ??
          register(workerId, address, peer).finally(() => registering.delete(workerId))
        registering.set(workerId, pending)
        await pending
      }
      return { acknowledged: true }
    },

    async updateTaskStatus({ task_id: taskId, status, worker_id: reporter }) {
      const kind = KINDS[status]
      if (!kind) throw new AppError('invalid', `a worker cannot report ${status}`)
      if (!isUuid(taskId)) return { success: true }
      const holder = await options.findHeldAttempt(taskId)
      // Old reporters leave their id out; one that names itself must be the holder.
      if (!holder || (reporter !== 0 && reporter !== holder.workerId)) return { success: true }
      const known = registry.get(holder.workerId)
      if (known) registry.heard(known, known.draining)
      const now = performance.now()
      await options.report({
        taskId,
        attempt: holder.attempt,
        workerId: holder.workerId,
        kind,
        slot: 0,
        startedAt: status === 'STARTED' ? now : null,
        endedAt: status === 'STARTED' ? null : now,
        error: status === 'FAILED' ? 'The worker reported a failure' : null,
        output: null,
      })
      return { success: true }
    },

    async listWorkers() {
      const workers = await options.listWorkers()
      return {
        workers: workers.map((worker) => ({
          id: worker.id,
          address: worker.address,
          status: worker.runningTaskIds.length > 0 ? 'busy' : 'idle',
          last_active_at: worker.lastSeenAt.toISOString(),
          current_task_id: worker.runningTaskIds[0] ?? '',
          tasks_completed: worker.tasksCompleted,
        })),
      }
    },
  }
}

const hostOf = (peer: string) => readPeer(peer)?.host ?? peer
