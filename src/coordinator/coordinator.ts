import { createBatcher } from '../shared/batcher.ts'
import { AppError } from '../shared/core/error.ts'
import type { Assignment, NewTask, TaskRef } from '../shared/core/task.ts'
import { movingMean } from '../shared/core/window.ts'
import { resolveId } from '../shared/idempotency.ts'
import type { Log } from '../shared/log.ts'
import { repeat } from '../shared/repeat.ts'
import type { CoordinatorServiceHandlers } from '../shared/rpc/gen/grpcapi/CoordinatorService.ts'
import type { TaskServiceHandlers } from '../shared/rpc/gen/task/TaskService.ts'
import { createTaskLog } from '../shared/runtime/task-log.ts'
import { createTroubles, logTroubles, type Troubles } from '../shared/runtime/troubles.ts'
import { CANCEL_CHANNEL, DUE_CHANNEL, listen, QUEUES_CHANNEL } from '../shared/store/channel.ts'
import { connect, type Sql } from '../shared/store/connect.ts'
import { findCancelRequests } from '../shared/store/control.ts'
import {
  findHeld,
  findHeldAttempts,
  returnTasks,
  returnUnheld,
  type WorkerReport,
} from '../shared/store/dispatch.ts'
import { forgetLevels } from '../shared/store/lanes.ts'
import { forgetUses } from '../shared/store/queues.ts'
import { isScheduler } from '../shared/store/services.ts'
import { findHolders, findOutcomes, insertTasks } from '../shared/store/tasks.ts'
import { createTransactions } from '../shared/store/transactions.ts'
import { troubled } from '../shared/store/troubled.ts'
import { listWorkers } from '../shared/store/workers.ts'
import { createCallLimit } from './call-limit.ts'
import { createClaimer } from './claimer.ts'
import { createClaims } from './claims.ts'
import type { Config } from './config.ts'
import { startDependents } from './dependents.ts'
import { createDocumented } from './documented.ts'
import { createExpress } from './express.ts'
import type { ExpressServerOptions } from './express-server.ts'
import { createJournal } from './journal.ts'
import { startNotices } from './notices.ts'
import { createPushTargets } from './push-target.ts'
import { createRecalls } from './recalls.ts'
import { createRecovery } from './recovery.ts'
import { createRegistry } from './registry.ts'
import { startRetention } from './retention.ts'
import { createRoster } from './roster.ts'
import { createRounds } from './rounds.ts'
import { startSchedules } from './schedules/schedules.ts'
import { createService } from './service.ts'
import { createSettler } from './settler.ts'
import { createSteadiness } from './steadiness.ts'
import { createTaskService } from './task-service.ts'
import { createTaskWatch } from './task-watch.ts'
import { createUnary } from './unary.ts'
import { createWorkServer } from './work.ts'

/** How often leases are renewed and judged, at least. */
const BEAT_MS = 1000
/** Forgets, and believes no single value: after a database froze, nothing is to be queued behind what runs because of that. */
const meanOf = (mean: number, tookMs: number) => movingMean(mean, Math.min(tookMs, 10 * mean), 0.1)

/** Dispatch streams that may be open, and other calls. */
const MAX_STREAMS = { total: 10_000, perAddress: 2000 }
const MAX_WATCHES = { total: 2000, perAddress: 500 }
const MAX_CALLS = { total: 4000, perAddress: 2000 }

export interface Coordinator {
  readonly id: string
  readonly service: CoordinatorServiceHandlers
  readonly taskService: TaskServiceHandlers
  readonly express: ExpressServerOptions
  /** What keeps this coordinator from its work now. */
  readonly troubles: Troubles
  stop(): Promise<void>
}

/** Wires the parts of one coordinator process and starts its loops. */
export async function startCoordinator(sql: Sql, config: Config, log: Log): Promise<Coordinator> {
  const coordinatorId = crypto.randomUUID()
  const troubles = createTroubles()
  logTroubles(troubles, log)
  // A transaction is several statements, each with its own deadline.
  const transactions = createTransactions(
    sql,
    () => connect({ ...config.database, poolMax: 1 }),
    3 * config.database.statementTimeoutMs,
  )
  const taskLog = createTaskLog(log, config.taskLogs)
  const roster = createRoster()
  let claimMs = 2
  let settleMs = 2
  const roundTripMs = () => 2 * (claimMs + settleMs)

  const steadiness = createSteadiness(config.silenceMs)
  const registry = createRegistry({
    sql,
    log,
    roster,
    steadiness,
    coordinatorId,
    reconnectMs: config.reconnectMs,
    maxLosses: config.maxLosses,
    maxWorkerSlots: config.maxWorkerSlots,
    silenceMs: config.silenceMs,
    onRoom: () => claimer.wake(),
  })

  const settler = createSettler({
    sql,
    transactions,
    log,
    troubles,
    retryBackoff: config.retryBackoff,
    onSettled(reports, tookMs) {
      settleMs = meanOf(settleMs, tookMs)
      for (const { workerId, taskId, attempt, kind } of reports) {
        // Its end may be known by now, but is not written.
        if (kind === 'started') continue
        // A worker that registered again during the write came with what ends here as something it holds.
        roster.ended(workerId, taskId, attempt, null, roundTripMs())
        roster.settled(workerId, taskId, attempt)
      }
      claimer.onRoom()
      watch.signal()
    },
  })

  const journal = createJournal({ sql, transactions, log, troubles })

  /** Frees the places of what ended at once, then writes it: after `before`, so that an end has all of its lines. */
  async function report(reports: WorkerReport[], before: Promise<void> | null): Promise<void> {
    const roundTrip = roundTripMs()
    for (const { workerId, taskId, attempt, kind, startedAt, endedAt } of reports) {
      if (kind === 'started') {
        roster.started(workerId, taskId, attempt, performance.now())
        recalls.onStarted(workerId)
      } else {
        const runMs = startedAt !== null && endedAt !== null ? endedAt - startedAt : null
        roster.ended(workerId, taskId, attempt, runMs, roundTrip)
      }
    }
    claimer.onRoom()
    if (before) await before
    await settler.settle(reports)
  }

  const givingBack = new Set<Promise<unknown>>()
  function giveBack(tasks: { taskId: string; attempt: number }[]) {
    const given = returnTasks(sql, tasks)
      .catch((error) => {
        log.warn({ err: error, tasks: tasks.length }, 'Could not put tasks back; the next scan will')
      })
      .finally(() => givingBack.delete(given))
    givingBack.add(given)
  }

  function dispatch(tasks: (Assignment & { workerId: number })[]) {
    const homeless = registry.send(tasks)
    // What was sent leaves this process first.
    setImmediate(() => {
      for (const task of tasks) {
        const { taskId, attempt, workerId } = task
        if (!homeless.includes(task)) taskLog.tell('Task assigned', taskId, { attempt, workerId })
      }
    })
    if (homeless.length > 0) giveBack(homeless)
  }

  /** Passes on what was asked for; the table says it, so that a lost notice is made good by the next scan. */
  async function tellCancels(workerIds: number[]) {
    if (workerIds.length === 0) return
    for (const { workerId, ...task } of await findCancelRequests(sql, workerIds)) {
      registry.get(workerId)?.link.cancel([task])
    }
  }

  function onCancelNotice(payload: string) {
    const isNamed = payload === '*' ? () => true : (id: number) => named.has(id)
    const named = new Set(payload.split(',').map(Number))
    const mine = [...roster.all()].map(({ id }) => id).filter(isNamed)
    tellCancels(mine).catch((error) =>
      log.warn({ err: error }, 'Could not pass cancellations on; the next scan will'),
    )
  }

  /** Puts back what the table says our workers hold and no claim of ours gave them. */
  async function reconcile() {
    const mine = [...roster.all()].map(({ id }) => id)
    if (mine.length === 0) return
    // A worker may soon be with another coordinator, and hold what that one gave it: its session tells.
    const sessions = new Map(mine.map((id) => [id, registry.get(id)?.session]))
    const stillMine = (await findHeld(sql, mine)).flatMap((task) => {
      const worker = roster.get(task.workerId)
      const session = sessions.get(task.workerId)
      const isUnknown =
        worker?.held.get(task.taskId)?.attempt !== task.attempt && !express.isOnItsWay(task.taskId)
      return worker && session && isUnknown ? [{ ...task, session }] : []
    })
    await tellCancels(mine)
    if (stillMine.length > 0) {
      // Those that ended while we looked are not held any more, and stay as they are.
      const tasks = await returnUnheld(sql, stillMine)
      if (tasks > 0) log.warn({ tasks }, 'Put back tasks that were claimed but never sent')
    }
  }

  const claims = createClaims(sql, transactions, { ageingMs: config.ageingMs })
  const lookForLimits = () =>
    claims.look().catch((error) => log.warn({ err: error }, 'Could not look for limits of queues'))
  await lookForLimits()
  const rounds = createRounds()
  const claimer = createClaimer({
    roster,
    rounds,
    log,
    claim: (workerIds, can, others) =>
      troubled(troubles, 'claims', 'Due tasks cannot be claimed', () => claims.claim(workerIds, can, others)),
    msUntilNextDue: claims.msUntilNextDue,
    dispatch,
    reconcile,
    lookAheadMs: config.lookAheadMs,
    onClaimed: (tookMs) => {
      claimMs = meanOf(claimMs, tookMs)
    },
    onIdle: () => recalls.onIdle(),
  })
  const express = createExpress({
    ...{ roster, rounds, log, store: claims.express, dispatch, giveBack },
    claiming: () => claimer.claiming,
    onRoom: claimer.onRoom,
    onUnsure: claimer.scan,
  })
  const recalls = createRecalls({
    roster,
    nothingWaits: claimer.nothingWaits,
    roundTripMs,
    recall: ({ workerId, tasks }) => registry.get(workerId)?.link.recall(tasks),
  })

  const inserting = createBatcher<NewTask, { id: string } | AppError>({
    async write(tasks) {
      const holders = new Map((await insertTasks(sql, tasks)).map((one) => [one.idempotencyKey, one]))
      return tasks.map((task) => {
        try {
          return { id: resolveId(task, holders) }
        } catch (error) {
          return error as AppError
        }
      })
    },
    maxItems: 1000,
    maxWaiting: 10_000,
  })
  /** Stores a task that is due now; the id of the one that it stands for. */
  async function insert(task: NewTask): Promise<string> {
    const stored = await inserting.add(task)
    if (stored instanceof AppError) throw stored
    return stored.id
  }

  /** Whoever reports without knowing attempts waits for a look at the table, together with others. */
  const lookingUp = createBatcher<string, { attempt: number; workerId: number } | null>({
    write: (taskIds) => findHeldAttempts(sql, taskIds),
    maxItems: 1000,
    maxWaiting: 10_000,
  })
  const documented = createDocumented({
    registry,
    roster,
    log,
    targets: createPushTargets(config.pushAllow),
    insert: async (task) => void (await insert(task)),
    listWorkers: () => listWorkers(sql, { silenceMs: config.silenceMs, offline: false }),
    findHeldAttempt: (taskId) => lookingUp.add(taskId),
    report: (one) => report([one], null),
    onSubmitted: () => claimer.wake(),
  })
  const isInFlight = (workerId: number, { taskId, attempt }: TaskRef) =>
    roster.get(workerId)?.held.get(taskId)?.attempt === attempt
  const serveWork = createWorkServer({
    ...{ registry, log, isInFlight, report, store: journal.store },
    limit: createCallLimit(MAX_STREAMS),
  })
  const unary = createUnary(log, createCallLimit(MAX_CALLS))
  const service = createService(documented, serveWork, unary)
  const watch = createTaskWatch((ids) => findOutcomes(sql, ids))
  const taskService = createTaskService({
    ...{ log, unary, watch, limit: createCallLimit(MAX_WATCHES) },
    async submit(task) {
      const id = await insert(task)
      claimer.wake()
      return id
    },
    findByKey: async (key) => (await findHolders(sql, [key]))[0]?.id ?? null,
    find: async (id) => (await findOutcomes(sql, [id]))[0] ?? null,
  })

  const recovery = createRecovery({
    sql,
    log,
    registry,
    troubles,
    steadiness,
    silenceMs: config.silenceMs,
    heartbeatIntervalMs: config.heartbeatIntervalMs,
    maxLosses: config.maxLosses,
  })
  const due = await listen(
    sql,
    DUE_CHANNEL,
    (ms) => {
      claims.dueSince(-Number(ms))
      claimer.dueIn(Number(ms))
    },
    () => {
      claims.lookEverywhere()
      claimer.scan()
    },
  )
  const limits = await listen(
    sql,
    QUEUES_CHANNEL,
    () => {
      claims.govern()
      claimer.dueIn(1)
    },
    () => {
      claims.govern()
      lookForLimits()
    },
  )
  const cancels = await listen(sql, CANCEL_CHANNEL, onCancelNotice, () => onCancelNotice('*'))
  const retention =
    config.retentionMs === null ? null : startRetention(sql, config.retentionMs, log, troubles)
  const notices = startNotices(sql, log, troubles)
  const dependents = await startDependents(sql, log, troubles)
  const schedules = await startSchedules({ sql, log, scanIntervalMs: config.scanIntervalMs, troubles })
  // A lease that is renewed less often than workers beat would end while they do; half of that, so that no beat is a gap.
  const beatMs = Math.min(BEAT_MS, config.heartbeatIntervalMs / 2)
  const beat = repeat('Recovery', beatMs, log, recovery.tick)
  const scan = repeat('Scan', config.scanIntervalMs, log, async () => {
    dependents.wake()
    claims.lookEverywhere()
    claimer.scan()
    await lookForLimits()
    await forgetUses(sql)
    await forgetLevels(sql)
  })

  return {
    id: coordinatorId,
    service,
    taskService,
    express: { store: express.store, isScheduler: (id) => isScheduler(sql, id) },
    troubles,
    async stop() {
      // Nothing is given out, and nobody registers, while the rest comes to its end.
      registry.retire()
      await express.close()
      await claimer.stop()
      await Promise.all([
        scan.stop(),
        retention?.stop(),
        schedules.stop(),
        dependents.stop(),
        beat.stop(),
        notices.stop(),
        due.stop().catch(() => {}),
        limits.stop().catch(() => {}),
        cancels.stop().catch(() => {}),
      ])
      await Promise.all(givingBack)
      watch.stop()
      await inserting.close()
      await lookingUp.close()
      await journal.stop()
      await settler.stop()
      await transactions.end().catch(() => {})
      recalls.stop()
      await registry.stop()
    },
  }
}
