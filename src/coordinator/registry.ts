import { createBatcher } from '../shared/batcher.ts'
import { AppError } from '../shared/core/error.ts'
import type { Assignment, TaskRef } from '../shared/core/task.ts'
import type { Log } from '../shared/log.ts'
import type { Sql } from '../shared/store/connect.ts'
import { findHeld, returnUnheld } from '../shared/store/dispatch.ts'
import {
  type Instant,
  type LostWorker,
  loseSessions,
  readInstant,
  registerWorker,
  renewLeases,
  type WorkerIdentity,
} from '../shared/store/workers.ts'
import type { WorkerLink } from './links/link.ts'
import type { Roster } from './roster.ts'
import type { Steadiness } from './steadiness.ts'

export interface OfferedTask extends TaskRef {
  started: boolean
}

/** What a worker says that it holds. */
export interface Offer {
  /** Rises with every hello of the worker; 0: not counted. */
  greeting: number
  tasks: OfferedTask[]
  /** It takes no new tasks. */
  draining: boolean
}

/** A worker's link to this coordinator, from its registration to its end. */
export interface Connection {
  readonly workerId: number
  readonly session: string
  readonly identity: WorkerIdentity
  readonly link: WorkerLink
  heard: boolean
  /** Monotonic ms of the latest sign of life. */
  heardAt: number
  draining: boolean
  /** We closed it ourselves: its end says nothing about the worker, whose lease stays as it is. */
  released: boolean
}

/** ms from the decision to give a worker up to the end of it, at most: after that it may be back. */
const DECISION_MS = 1000

export interface RegistryOptions {
  sql: Sql
  log: Log
  roster: Roster
  steadiness: Steadiness
  coordinatorId: string
  /** ms a worker whose link broke may take to come back before its tasks go to others. */
  reconnectMs: number
  /** Slots of a worker that count, at most. */
  maxWorkerSlots: number
  /** How many workers a task may lose before it fails. */
  maxLosses: number
  /** ms of silence after which a worker is given no more work: its lease ends any moment. */
  silenceMs: number
  /** Places became free, or there are new ones. */
  onRoom: () => void
}

export interface Registry {
  /**
   * Registers a worker and learns what it holds. With an offer, what the worker says it holds is compared
   * with the table: what never reached it goes back to the queue, what is no longer its own is returned.
   *
   * @throws `conflict` when the worker has said hello again since, to whichever coordinator
   * @throws `unavailable` after `retire`
   */
  connect(
    identity: WorkerIdentity,
    link: WorkerLink,
    offer: Offer | null,
  ): Promise<{ connection: Connection; revoked: TaskRef[] }>
  /** A sign of life; at the next beat it renews the lease. */
  heard(connection: Connection, draining: boolean): void
  /** The link is broken. The worker has `reconnectMs` to come back, here or elsewhere; none after a goodbye. */
  disconnect(connection: Connection, goodbye: boolean): void
  get(workerId: number): Connection | undefined
  /** Passes claimed tasks to their workers; answers with those whose worker is gone by now. */
  send(tasks: (Assignment & { workerId: number })[]): (Assignment & { workerId: number })[]
  /**
   * Renews the leases of all that were heard from, in one statement; drops those that others took over.
   *
   * @returns when, by the database's clock
   */
  beat(): Promise<Instant>
  /** Closes every link, giving up nobody: this coordinator cannot serve them, another may. */
  closeAll(): void
  /** Others gave these up in the table. */
  forget(lost: LostWorker[]): void
  /** Registers nobody any more: this coordinator stops. */
  retire(): void
  stop(): Promise<void>
}

export function createRegistry(options: RegistryOptions): Registry {
  const { sql, log, roster } = options
  const connections = new Map<number, Connection>()
  const goodbyes = new Map<string, Timer>()
  /** Registrations on their way, by worker: of one worker they go one after another. */
  const connecting = new Map<number, Promise<void>>()
  let retired = false

  const losing = createBatcher<string, undefined>({
    async write(sessions) {
      const startedAt = performance.now()
      const at = await readInstant(sql)
      if (performance.now() - startedAt > DECISION_MS || options.steadiness.isBroken(at)) throw inTheDark()
      const decision = { at, withinMs: DECISION_MS }
      const lost = await loseSessions(sql, sessions, options.maxLosses, decision)
      for (const { id, name, requeued } of lost) {
        log.info({ workerId: id, name, requeued }, `Removing inactive worker: ${id}`)
      }
      return sessions.map(() => undefined)
    },
    maxItems: 1000,
    maxWaiting: 100_000,
  })

  /** Gives a worker up, unless it is registering anew: then it is seen afterwards whether that session is still its own. */
  function lose({ workerId, session }: Pick<Connection, 'workerId' | 'session'>) {
    goodbyes.delete(session)
    const back = connecting.get(workerId)
    if (back) return void back.then(() => lose({ workerId, session }))
    losing.add(session).catch((error) => {
      log.warn({ err: error, session }, 'Could not give up a lost worker; its lease will end by itself')
    })
  }

  /** @param connection its worker may be back: its link broke, or this process was stopped and could not read */
  function awaitReturn(connection: Connection) {
    const dueAt = performance.now() + options.reconnectMs
    const onDue = () => {
      const isLate = performance.now() - dueAt > options.reconnectMs
      if (isLate) awaitReturn(connection)
      else lose(connection)
    }
    goodbyes.set(connection.session, setTimeout(onDue, options.reconnectMs))
  }

  function drop(connection: Connection) {
    if (connections.get(connection.workerId) !== connection) return
    connections.delete(connection.workerId)
    roster.remove(connection.workerId)
    connection.link.close()
  }

  async function register(
    identity: WorkerIdentity,
    link: WorkerLink,
    offer: Offer | null,
  ): ReturnType<Registry['connect']> {
    const session = crypto.randomUUID()
    const { greeting = 0, draining = false } = offer ?? {}
    const said = { greeting, draining }
    if (!(await registerWorker(sql, identity, options.coordinatorId, session, said))) throw overtaken()
    const before = connections.get(identity.id)
    if (before) drop(before)
    // By attempt, once: a worker may offer thousands.
    const offered = offer && new Map(offer.tasks.map((task) => [attemptOf(task), task]))
    const inTable = await findHeld(sql, [identity.id])
    const held = offered ? inTable.filter((task) => offered.has(attemptOf(task))) : inTable
    const kept = new Set(held.map(attemptOf))
    const never = inTable.filter((task) => !kept.has(attemptOf(task)))
    if (never.length > 0) {
      const unheld = never.map((task) => ({ ...task, session }))
      await returnUnheld(sql, unheld)
    }
    if (retired) throw stopping()
    const connection = {
      workerId: identity.id,
      session,
      identity,
      link,
      heard: true,
      heardAt: performance.now(),
      draining,
      released: false,
    }
    connections.set(identity.id, connection)
    roster.add(
      identity.id,
      identity.slots,
      { executors: identity.executors, labels: identity.labels },
      held.map((task) => ({
        ...task,
        started: task.started || (offered?.get(attemptOf(task))?.started ?? false),
      })),
      performance.now(),
      !draining,
    )
    log.info(
      { workerId: identity.id, name: identity.name, link: identity.link, held: held.length },
      `Worker registered: ${identity.address || identity.name}`,
    )
    options.onRoom()
    return { connection, revoked: (offer?.tasks ?? []).filter((own) => !kept.has(attemptOf(own))) }
  }

  return {
    async connect(given, link, offer) {
      if (retired) throw stopping()
      const identity = { ...given, slots: Math.min(given.slots, options.maxWorkerSlots) }
      const { id } = identity
      const before = connecting.get(id) ?? Promise.resolve()
      const own = before.then(() => register(identity, link, offer))
      // One that is overtaken would be forgotten with its stream open, and its worker would wait for ever.
      const settled = own.then(
        () => {},
        () => {},
      )
      connecting.set(id, settled)
      try {
        return await own
      } finally {
        if (connecting.get(id) === settled) connecting.delete(id)
      }
    },

    heard(connection, draining) {
      connection.heard = true
      connection.heardAt = performance.now()
      if (connections.get(connection.workerId) !== connection) return
      connection.draining = draining
      const worker = roster.get(connection.workerId)
      if (worker && worker.available === draining) {
        roster.setAvailable(connection.workerId, !draining)
        if (!draining) options.onRoom()
      }
    },

    disconnect(connection, goodbye) {
      drop(connection)
      if (connection.released) return
      if (goodbye) lose(connection)
      else awaitReturn(connection)
    },

    get: (workerId) => connections.get(workerId),

    send(tasks) {
      const now = performance.now()
      const homeless: typeof tasks = []
      const byWorker = new Map<number, Assignment[]>()
      for (const task of tasks) {
        if (!roster.placed(task.workerId, task.taskId, task.attempt, now)) homeless.push(task)
        else if (!byWorker.get(task.workerId)?.push(task)) byWorker.set(task.workerId, [task])
      }
      for (const [workerId, own] of byWorker) connections.get(workerId)?.link.send(own)
      return homeless
    },

    async beat() {
      // What is put back when a lease ends must not be claimed for the same worker before we hear of it.
      const silentSince = performance.now() - options.silenceMs
      for (const { workerId, heardAt } of connections.values()) {
        if (heardAt < silentSince) roster.setAvailable(workerId, false)
      }
      const heard = [...connections.values()].filter((connection) => connection.heard)
      for (const connection of heard) connection.heard = false
      const { at, sessions } = await renewLeases(sql, heard).catch((error) => {
        for (const connection of heard) connection.heard = true
        throw error
      })
      const renewed = new Set(sessions)
      for (const connection of heard) {
        if (!renewed.has(connection.session)) {
          log.warn(
            { workerId: connection.workerId },
            'A worker was taken over or given up by another coordinator',
          )
          drop(connection)
        }
      }
      return at
    },

    closeAll() {
      for (const connection of [...connections.values()]) {
        connection.released = true
        drop(connection)
      }
    },

    forget(lost) {
      for (const { id, name, requeued } of lost) {
        log.info({ workerId: id, name, requeued }, `Removing inactive worker: ${id}`)
        const connection = connections.get(id)
        if (connection) drop(connection)
      }
    },

    retire() {
      retired = true
    },

    async stop() {
      for (const timer of goodbyes.values()) clearTimeout(timer)
      goodbyes.clear()
      this.closeAll()
      await losing.close()
    },
  }
}

const stopping = () => new AppError('unavailable', 'this coordinator is stopping')

const inTheDark = () => new AppError('unavailable', 'the database was out of reach a moment ago')

const overtaken = () => new AppError('conflict', 'the worker has said hello again since')

const attemptOf = ({ taskId, attempt }: TaskRef) => `${taskId}#${attempt}`
