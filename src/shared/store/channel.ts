import { headOf } from '../core/text.ts'
import type { Sql } from './connect.ts'
import { schemaOf } from './schema.ts'

/** A task became claimable, or will be: ms from the moment of the change, negative when overdue. */
export const DUE_CHANNEL = 'taskmaster_due'
/** Workers hold tasks that they are to stop: their ids, separated by commas, or `*` for anyone. */
export const CANCEL_CHANNEL = 'taskmaster_cancel'
/** Tasks have ended that others depend on. */
export const PARENTS_CHANNEL = 'taskmaster_parents'
/** Schedules were made or changed. */
export const SCHEDULES_CHANNEL = 'taskmaster_schedules'
/** Limits of queues were changed, or a key has tasks waiting that had none. */
export const QUEUES_CHANNEL = 'taskmaster_queues'
/** Something happened that watchers want to see. */
export const EVENTS_CHANNEL = 'taskmaster_events'
/** Tasks said something: their ids, separated by commas, or `*` for any. */
export const LOGS_CHANNEL = 'taskmaster_logs'

/** How full the queue of notices is when changes tell nobody any more: see `notify_hint` in sql/0001_baseline.sql. */
export const MUTED_AT = 0.5

/** How full the server's queue of notices is, from 0 to 1. To ask frees what nobody is to read any more. */
export async function readNoticeQueueUsage(sql: Sql): Promise<number> {
  const [row] = await sql<{ usage: number }[]>`SELECT pg_notification_queue_usage() AS usage`
  return row?.usage ?? 0
}

/** What is told on EVENTS_CHANNEL, as sql/0001_baseline.sql makes it. */
export interface ChangeNotice {
  type: string
  /** How many things this notice stands for; `rows` is a sample of them. */
  count: number
  /** Epoch ms by the database's clock. */
  at: number
  rows: [
    taskId: string | null,
    attempt: number | null,
    workerId?: number | null,
    slot?: number | null,
    ms?: number | null,
    text?: string | null,
  ][]
}

/** What is told by whoever did it. */
export type Announced = 'scale' | 'kill' | 'queue_paused' | 'queue_resumed'

/** Tells watchers of something that changes no row of a task. */
export async function notifyEvent(
  sql: Sql,
  type: Announced,
  { workerId = null, text }: { workerId?: number | null; text: string },
): Promise<void> {
  await sql`
    SELECT notify_hint(${EVENTS_CHANNEL}, json_build_object('type', ${type}::text, 'count', 1,
      'at', epoch_ms(clock_timestamp()),
      'rows', json_build_array(json_build_array(NULL, NULL, ${workerId}::bigint, NULL, NULL, ${headOf(text, 500)}::text)))::text)`
}

/** The name under which a channel of these tables goes: two schemas of one database do not wake each other. */
const channelOf = (sql: Sql, channel: string) => channel.replace(/^taskmaster(?=_)/, schemaOf(sql))

export interface Subscription {
  stop(): Promise<void>
}

/**
 * Listens on a connection of its own that reconnects by itself. Notifications are lost while it is away, so
 * `onListen` is called each time it is (again) listening: look at the tables then.
 */
export async function listen(
  sql: Sql,
  channel: string,
  onMessage: (payload: string) => void,
  onListen: () => void,
): Promise<Subscription> {
  const subscription = await sql.listen(channelOf(sql, channel), onMessage, onListen)
  return { stop: () => subscription.unlisten() }
}
