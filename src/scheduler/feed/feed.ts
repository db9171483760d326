import { AppError } from '../../shared/core/error.ts'
import { headOf } from '../../shared/core/text.ts'
import type { Log } from '../../shared/log.ts'
import { type ChangeNotice, EVENTS_CHANNEL, listen, type Subscription } from '../../shared/store/channel.ts'
import type { Sql } from '../../shared/store/connect.ts'
import { findStates } from '../../shared/store/tasks.ts'
import { describe, type EventDraft, type FeedEvent, plainEvent } from './event.ts'
import { createMailbox, type Mailbox } from './mailbox.ts'
import { createNames } from './names.ts'
import { createRecentSet } from './recent.ts'
import { createRing, type Entry } from './ring.ts'
import { createThroughput } from './throughput.ts'
import { createWatch, type Put } from './watch.ts'

export interface FeedOptions {
  sql: Sql
  log: Log
  /** How many events are listed and given to a new client. */
  maxEvents: number
  /** How many a client may have missed and still resume without a gap. Default 5,000, or maxEvents if larger. */
  resumeEvents?: number
  /** How many may follow at once. */
  maxFollowers?: number
}

export interface Follower {
  /** Events in order, see Mailbox; null when the feed ends. */
  take: Mailbox<Entry>['take']
  /** From now on only what becomes of this task and of others narrowed to. */
  narrow(taskId: string): void
  /** Everything again. */
  widen(): void
  close(): void
}

/** Told of every notice as it comes, whether or not anybody follows the events. */
export interface Observer {
  onNotice(notice: ChangeNotice): void
  /** Notices may have been missed. */
  onGap(): void
}

export interface Feed {
  start(): Promise<void>
  /** Ends every follower's stream. */
  stop(): Promise<void>
  /** The newest events, oldest first. */
  recent(): FeedEvent[]
  /**
   * @param from `live` for what comes, `backlog` for the newest events first, or the id of the last event seen
   * @throws `too_many` when there are too many followers
   */
  follow(from: 'live' | 'backlog' | number): Follower
  observe(observer: Observer): void
  /** Tells of what this scheduler found, and no table says. */
  announce(type: 'trouble' | 'recovered', msg: string): void
  /** Sends a sign of life by way of the database; `currentAt` says when one came. */
  signal(sql: Sql): Promise<unknown>
  /** When notices were last known to arrive, by performance.now(); null when none has yet. */
  currentAt(): number | null
  /** Tasks completed per second, over the last 10 s. */
  completedPerSecond(): number
}

/** Tasks that one follower can be narrowed to. */
export const MAX_NARROWED = 100
const THROUGHPUT_WINDOW_MS = 10_000
const REMEMBERED_STARTS = 20_000
/** ms that events wait at most for the name of a new worker. */
const HOLD_MS = 200

/** What happens in the database, fanned out to whoever follows. While nobody does, notices are only kept. */
export function createFeed({
  sql,
  log,
  maxEvents,
  resumeEvents = 5000,
  maxFollowers = 1000,
}: FeedOptions): Feed {
  // Microseconds since 1970 at the start: no id is used again after a restart.
  let lastId = Date.now() * 1000
  const capacity = Math.max(maxEvents, resumeEvents)
  const ring = createRing(capacity, lastId + 1)
  const names = createNames(sql, log)
  const throughput = createThroughput(THROUGHPUT_WINDOW_MS)
  const telling = { nameOf: names.of, started: createRecentSet(REMEMBERED_STARTS) }
  const wide = new Set<Put>()
  const mailboxes = new Set<Mailbox<Entry>>()
  const observers = new Set<Observer>()
  const watch = createWatch({
    find: (ids) => findStates(sql, ids),
    enter: (draft) => enter({ id: ++lastId, ...draft }),
    onError: (error) => log.debug({ err: error }, 'Could not look watched tasks up'),
  })
  const subscriptions: Subscription[] = []
  // Its own, whatever the schema: sent by no function of ours.
  const signalChannel = `feed_signal_${crypto.randomUUID().replaceAll('-', '')}`
  let currentAt: number | null = null
  let wasListening = false
  /** Nothing was told since the last gap. */
  let isAfterGap = false

  /** Notices not yet made into events, and how many events they will be at least. */
  let kept: ChangeNotice[] = []
  let keptEvents = 0
  let holding = false

  function onPayload(payload: string) {
    const notice = readNotice(payload)
    if (!notice) return log.warn({ payload: headOf(payload, 200) }, 'Could not read a notice')
    if (notice.type === 'completed') throughput.add(performance.now(), notice.count)
    isAfterGap = false
    for (const { onNotice } of observers) onNotice(notice)
    if (notice.type === 'worker_online') void holdForNames()
    kept.push(notice)
    keptEvents += sizeOf(notice)
    if (mailboxes.size > 0 && !holding) tellKept()
    else if (keptEvents > 2 * capacity) forgetOldest()
  }

  // A new worker is given tasks within milliseconds; what follows waits until its name is known.
  async function holdForNames() {
    holding = true
    await Promise.race([names.refresh(), Bun.sleep(HOLD_MS)])
    holding = false
    if (mailboxes.size > 0) tellKept()
  }

  function tellKept() {
    const notices = kept
    kept = []
    keptEvents = 0
    for (const notice of notices) {
      for (const draft of describe(notice, telling)) publish(draft)
      if (notice.count > notice.rows.length) watch.recheck()
    }
  }

  function forgetOldest() {
    let count = 0
    for (const notice of kept) {
      if (keptEvents - sizeOf(notice) < capacity) break
      keptEvents -= sizeOf(notice)
      count++
    }
    if (count === 0) return
    kept = kept.slice(count)
    ring.forget(++lastId)
  }

  function publish(draft: EventDraft) {
    const entry = enter({ id: ++lastId, ...draft })
    ring.push(entry)
    for (const put of wide) put(entry)
    watch.route(entry)
  }

  // Notifications are lost while the connection is away: what was missed is shown as a gap.
  function onListen() {
    if (wasListening) {
      tellKept()
      if (!isAfterGap) {
        publish(plainEvent('gap', Date.now(), 'The database was away: events may be missing here'))
        log.warn('Listening to the database again; events may have been missed')
      }
      isAfterGap = true
      watch.recheck()
      for (const { onGap } of observers) onGap()
    }
    wasListening = true
    void names.refresh()
  }

  function opening(from: 'live' | 'backlog' | number): Entry[] {
    tellKept()
    if (from === 'live') return []
    if (from === 'backlog') return ring.newest(maxEvents)
    const missed = from <= lastId ? ring.after(from) : null
    if (missed) return missed
    const backlog = ring.newest(maxEvents)
    return [
      missing((backlog[0]?.event.id ?? lastId + 1) - 1, 'Earlier events are no longer held'),
      ...backlog,
    ]
  }

  return {
    async start() {
      const onSignal = () => {
        currentAt = performance.now()
      }
      subscriptions.push(await listen(sql, EVENTS_CHANNEL, onPayload, onListen))
      subscriptions.push(await listen(sql, signalChannel, onSignal, () => {}))
      await names.refresh()
    },

    async stop() {
      watch.stop()
      for (const mailbox of mailboxes) mailbox.close()
      // The connection may be away, and with it whoever could answer.
      const leaving = subscriptions.map((subscription) => subscription.stop().catch(() => {}))
      await Promise.race([Promise.all(leaving), Bun.sleep(500)])
    },

    recent() {
      tellKept()
      return ring.newest(maxEvents).map(({ event }) => event)
    },

    follow(from) {
      if (mailboxes.size >= maxFollowers) throw new AppError('too_many', 'too many clients follow the events')
      const mailbox = createMailbox(opening(from), capacity, (count, last) =>
        missing(last.event.id, `${count} events were not sent: this connection is too slow`, count),
      )
      const narrowed = new Set<string>()
      const put = mailbox.put
      const leave = () => {
        wide.delete(put)
        for (const taskId of narrowed) watch.remove(taskId, put)
        narrowed.clear()
      }
      mailboxes.add(mailbox)
      wide.add(put)
      return {
        take: mailbox.take,
        narrow(taskId) {
          if (narrowed.has(taskId)) return
          if (narrowed.size >= MAX_NARROWED) {
            throw tooManyTasks()
          }
          wide.delete(put)
          narrowed.add(taskId)
          watch.add(taskId, put)
        },
        widen() {
          leave()
          wide.add(put)
        },
        close() {
          leave()
          mailboxes.delete(mailbox)
          mailbox.close()
        },
      }
    },

    observe: (observer) => void observers.add(observer),

    announce(type, msg) {
      tellKept()
      publish(plainEvent(type, Date.now(), msg))
    },

    signal: (by) => by`SELECT pg_notify(${signalChannel}, '')`,

    currentAt: () => currentAt,

    completedPerSecond: () => throughput.perSecond(performance.now()),
  }
}

export const tooManyTasks = () =>
  new AppError('too_many', `at most ${MAX_NARROWED} tasks can be subscribed to at once`)

function enter(event: FeedEvent): Entry {
  let json: string | undefined
  return {
    event,
    json() {
      json ??= JSON.stringify(event)
      return json
    },
  }
}

/** Says that events up to this id are missing. */
function missing(id: number, msg: string, count = 1): Entry {
  return enter({ id, ...plainEvent('gap', Date.now(), msg), count })
}

/** How many events a notice becomes, at least. */
const sizeOf = ({ rows }: ChangeNotice) => rows.length + 1

function readNotice(payload: string): ChangeNotice | null {
  try {
    const notice: ChangeNotice = JSON.parse(payload)
    return Array.isArray(notice.rows) && typeof notice.count === 'number' ? notice : null
  } catch {
    return null
  }
}
