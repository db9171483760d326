import type postgres from 'postgres'
import { MUTED_AT, readNoticeQueueUsage } from './channel.ts'
import { createListener } from './listener.ts'
import { tellBy } from './notices.ts'
import { createSender } from './sender.ts'

/** What a query fails with that got no answer in time; its connection is given up with it. */
export class NoAnswer extends Error {
  readonly code = 'NO_ANSWER'

  constructor(limitMs: number) {
    super(`The database did not answer in ${limitMs} ms`)
  }
}

interface Settleable {
  handle(): unknown
  resolve(value: unknown): void
  reject(error: unknown): void
}

type Pool = postgres.Sql<{ bigint: number }>

/** ms that it may take at the end to send what is to be told. */
const LAST_WORDS_MS = 500

/**
 * A pool whose queries have a deadline on this side too. A network that swallows packets leaves a query
 * without an answer for as long as TCP retries, and nothing in the driver or on the server ends it. When one
 * is overdue, the whole pool is replaced, because its other connections went the same way.
 *
 * @param open makes a pool of so many connections, by default as many as were set; called again for each replacement
 * @param limitMs longer than the server's own statement_timeout, so that the server speaks first
 */
export function createPool(open: (max?: number) => Pool, limitMs: number): Pool {
  let pool = open()
  let ended = false

  function replace(stuck: Pool) {
    if (ended || stuck !== pool) return
    pool = open()
    stuck.end({ timeout: 0 }).catch(() => {})
  }

  // A tagged template is a query only once it is awaited; nested in another, it is a part of that one.
  function watch<Query>(query: Query, from: Pool): Query {
    const inner = query as Settleable
    if (typeof inner.handle !== 'function') return query
    const { handle, resolve, reject } = inner
    let deadline: Timer | null = null
    inner.handle = () => {
      deadline ??= setTimeout(() => {
        reject.call(inner, new NoAnswer(limitMs))
        replace(from)
      }, limitMs)
      return handle.call(inner)
    }
    inner.resolve = (value) => {
      if (deadline) clearTimeout(deadline)
      resolve.call(inner, value)
    }
    inner.reject = (error) => {
      if (deadline) clearTimeout(deadline)
      reject.call(inner, error)
    }
    return query
  }

  const notify = (channel: string, payload: string) => facade`SELECT pg_notify(${channel}, ${payload})`
  const isMuted = async () => (await readNoticeQueueUsage(facade)) >= MUTED_AT
  const listener = createListener({ open, notify, isMuted })
  // On a connection of their own, so that no query waits behind them. Nothing is lost with a notice, so they do not wait
  // until they are on disk.
  let messenger: Pool | null = null
  const sender = createSender(async (channels, payloads) => {
    if (ended) return
    messenger ??= createPool(() => open(1), limitMs)
    await messenger`
      SELECT notify_hint(n.channel, n.payload) FROM set_config('synchronous_commit', 'off', true),
        unnest(${channels}::text[], ${payloads}::text[]) AS n (channel, payload)`
  })

  const facade: Pool = new Proxy(pool, {
    apply(_, __, args) {
      const from = pool
      const made = (from as unknown as (...args: unknown[]) => unknown)(...args)
      return Array.isArray((args[0] as { raw?: unknown })?.raw) ? watch(made, from) : made
    },
    get(_, name) {
      if (name === 'listen') return listener.listen
      if (name === 'notify') return notify
      if (name === 'end') {
        return async (options: { timeout?: number }) => {
          const patience = Promise.withResolvers<void>()
          const timer = setTimeout(patience.resolve, LAST_WORDS_MS)
          await Promise.race([sender.flushed(), patience.promise])
          clearTimeout(timer)
          ended = true
          await Promise.all([listener.stop(), messenger?.end(options), pool.end(options)])
        }
      }
      if (name === 'unsafe') {
        return (...args: Parameters<Pool['unsafe']>) => watch(pool.unsafe(...args), pool)
      }
      const value = Reflect.get(pool, name)
      return typeof value === 'function' ? value.bind(pool) : value
    },
  })
  tellBy(facade, sender.tell)
  return facade
}
