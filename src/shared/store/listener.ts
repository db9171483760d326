import type postgres from 'postgres'

type Pool = postgres.Sql<{ bigint: number }>

/** How often the connection is asked for a sign of life, and how long it may take. */
const PING_MS = 5000
/** How often it is looked whether anything is told at all; and while nothing is, how often subscribers look. */
const LOOK_MS = 1000
const REOPEN_MS = 200

export interface Listener {
  /**
   * @param onListen called each time the channel is (again) listened to, and every second while the queue of notices is
   *   too full for changes to tell of themselves: what was to be told before may be lost
   */
  listen(
    channel: string,
    onMessage: (payload: string) => void,
    onListen?: () => void,
  ): Promise<{ state: null; unlisten(): Promise<void> }>
  stop(): Promise<void>
}

interface Subscriber {
  channel: string
  onMessage: (payload: string) => void
  onListen: (() => void) | undefined
}

export interface ListenerOptions {
  open: () => Pool
  /** Sends a notice by another connection. */
  notify: (channel: string, payload: string) => Promise<unknown>
  /** Whether the queue of notices is too full for changes to tell of themselves. */
  isMuted: () => Promise<boolean>
}

/**
 * Listens on one connection of its own. The driver reconnects one that breaks; one that merely went silent,
 * it would believe for ever. So this connection gets a notice of its own every few seconds, and is replaced
 * when that does not arrive.
 * A notice of our own also wakes listeners of other databases that hold the queue up.
 */
export function createListener({ open, notify, isMuted }: ListenerOptions): Listener {
  const subscribers = new Set<Subscriber>()
  const pingChannel = `taskmaster_ping_${crypto.randomUUID().replaceAll('-', '')}`
  let connection: Pool | null = null
  let pinger: Timer | null = null
  let looker: Timer | null = null
  let isLooking = false
  let heard = true
  let stopped = false

  async function subscribe(to: Pool, { channel, onMessage, onListen }: Subscriber) {
    await to.listen(channel, onMessage, onListen)
  }

  function connect(): Pool {
    if (connection) return connection
    connection = open()
    heard = true
    const onPing = () => {
      heard = true
    }
    connection.listen(pingChannel, onPing).catch(() => {})
    pinger ??= setInterval(ping, PING_MS)
    looker ??= setInterval(look, LOOK_MS)
    return connection
  }

  function ping() {
    if (!heard) return reopen()
    heard = false
    // When nothing can be sent at all, silence says nothing about this connection; it is replaced all the same.
    notify(pingChannel, '').catch(() => {})
  }

  let wasMuted = false
  async function look() {
    if (isLooking) return
    isLooking = true
    const muted = await isMuted().catch(() => wasMuted)
    isLooking = false
    // Once more at the end: the last that was not told is from before it.
    if ((muted || wasMuted) && !stopped) for (const { onListen } of subscribers) onListen?.()
    wasMuted = muted
  }

  function reopen() {
    const silent = connection
    connection = null
    silent?.end({ timeout: 0 }).catch(() => {})
    if (stopped) return
    const fresh = connect()
    for (const subscriber of subscribers) resubscribe(fresh, subscriber)
  }

  function resubscribe(to: Pool, subscriber: Subscriber) {
    if (stopped || to !== connection || !subscribers.has(subscriber)) return
    subscribe(to, subscriber).catch(() => setTimeout(resubscribe, REOPEN_MS, to, subscriber))
  }

  return {
    async listen(channel, onMessage, onListen) {
      const subscriber = { channel, onMessage, onListen }
      await subscribe(connect(), subscriber)
      subscribers.add(subscriber)
      return {
        state: null,
        async unlisten() {
          subscribers.delete(subscriber)
          if (subscribers.size === 0) await stop()
        },
      }
    },
    stop,
  }

  async function stop() {
    stopped = true
    if (pinger) clearInterval(pinger)
    pinger = null
    if (looker) clearInterval(looker)
    looker = null
    const last = connection
    connection = null
    await last?.end({ timeout: 0 }).catch(() => {})
  }
}
