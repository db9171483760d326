import { DUE_CHANNEL, EVENTS_CHANNEL } from './channel.ts'

/** Notices of events that wait at most; of more, it is told how many there were. */
const MAX_WAITING = 1000
/** Notices that one statement sends. */
const AT_ONCE = 200

export interface Sender {
  /** @param notices channels and payloads, one after the other */
  tell(notices: string[]): void
  /** Resolves when all that was told is sent, or given up. */
  flushed(): Promise<void>
}

/**
 * Sends notices in transactions of their own, so that those which change tasks need not wait for each other to commit. What
 * comes while the one before is on its way goes together. A notice is a hint: one that cannot be sent is dropped.
 *
 * @param send sends each of `payloads` on the channel of the same index
 */
export function createSender(send: (channels: string[], payloads: string[]) => Promise<unknown>): Sender {
  let events: string[] = []
  /** Of events that are not told one by one: how many of each type. */
  const unnamed = new Map<string, number>()
  /** On other channels, what is told again tells nothing new. */
  const others = new Map<string, [channel: string, payload: string]>()
  /** When the first task is due, by performance.now(). */
  let dueAt = Number.POSITIVE_INFINITY
  let sending: Promise<void> | null = null

  function keep(channel: string, payload: string) {
    if (channel === DUE_CHANNEL) dueAt = Math.min(dueAt, performance.now() + Number(payload))
    else if (channel !== EVENTS_CHANNEL) others.set(`${channel} ${payload}`, [channel, payload])
    else if (events.length < MAX_WAITING) events.push(payload)
    else {
      const { type, count } = JSON.parse(payload) as { type: string; count: number }
      unnamed.set(type, (unnamed.get(type) ?? 0) + count)
    }
  }

  function take(): { channels: string[]; payloads: string[] } {
    const taken = events.slice(0, AT_ONCE).map((payload) => [EVENTS_CHANNEL, payload])
    events = events.slice(AT_ONCE)
    if (dueAt < Number.POSITIVE_INFINITY) taken.push([DUE_CHANNEL, String(dueAt - performance.now())])
    dueAt = Number.POSITIVE_INFINITY
    taken.push(...others.values())
    others.clear()
    if (events.length === 0) {
      const at = Date.now()
      for (const [type, count] of unnamed)
        taken.push([EVENTS_CHANNEL, JSON.stringify({ type, count, at, rows: [] })])
      unnamed.clear()
    }
    return { channels: taken.map(([channel]) => channel!), payloads: taken.map(([, payload]) => payload!) }
  }

  const isEmpty = () =>
    events.length === 0 && unnamed.size === 0 && others.size === 0 && dueAt === Number.POSITIVE_INFINITY

  async function run() {
    // What is told in the same turn goes together, too.
    await Promise.resolve()
    while (!isEmpty()) {
      const { channels, payloads } = take()
      await send(channels, payloads).catch(() => {})
    }
    sending = null
  }

  return {
    tell(notices) {
      for (let at = 0; at + 1 < notices.length; at += 2) keep(notices[at]!, notices[at + 1]!)
      sending ??= run()
    },
    async flushed() {
      await sending
    },
  }
}
