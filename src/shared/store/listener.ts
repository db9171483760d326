import type postgres from 'postgres'

type Pool = postgres.Sql<{ bigint: number }>

/** How often the connection is asked for a sign of life, and how long it may take. */
const PING_MS = 5000
const REOPEN_MS = 200

export interface Listener {
  /**
   * @param onListen called each time the channel is (again) listened to; what was sent before may be lost
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

/**
 * Listens on one connection of its own. The driver reconnects one that breaks; one that merely went silent,
 * it would believe for ever. So this connection gets a notice of its own every few seconds, and is replaced
 * when that does not arrive.
 *
 * @param notify sends a notice by another connection
 */
export function createListener(
  open: () => Pool,
  notify: (channel: string, payload: string) => Promise<unknown>,
): Listener {
  const subscribers = new Set<Subscriber>()
  const pingChannel = `taskmaster_ping_${crypto.randomUUID().replaceAll('-', '')}`
  let connection: Pool | null = null
  let pinger: Timer | null = null
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
    return connection
  }

  function ping() {
    if (!heard) return reopen()
    heard = false
    // When nothing can be sent at all, silence says nothing about this connection; it is replaced all the same.
    notify(pingChannel, '').catch(() => {})
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
    const last = connection
    connection = null
    await last?.end({ timeout: 0 }).catch(() => {})
  }
}
