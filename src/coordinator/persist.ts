import { backoffMs } from '../shared/core/backoff.ts'
import { AppError } from '../shared/core/error.ts'
import { isRowAtFault, type Trial } from '../shared/core/row-fault.ts'
import type { Log } from '../shared/log.ts'
import type { Troubles } from '../shared/runtime/troubles.ts'
import {
  databaseCode,
  describeDatabaseError,
  mayBeOfOneRow,
  summarizeDatabaseError,
} from '../shared/store/errors.ts'

export interface PersisterOptions<Item> {
  /** What many of them are called: `reports`. Also the key of the trouble. */
  what: string
  /** One try to write all of them, together. May be repeated at any point. */
  write: (items: Item[]) => Promise<void>
  /** Writes one that differs from this in nothing but its contents, and takes it back. Rejects when that cannot be done. */
  writeLike: (item: Item) => Promise<void>
  /** The smallest parts that may be written by themselves. */
  divide?: (item: Item) => Item[]
  /** What is written instead of one that cannot be stored for what it holds; null: nothing. */
  replace: (item: Item, reason: string) => Item | null
  /** Of two with the same key one is written, see `merge`. */
  keyOf: (item: Item) => string
  merge: (earlier: Item, later: Item) => Item
  weigh: (item: Item) => number
  /** The weight of one statement, about. */
  maxWeight: number
  onStored?: (items: Item[], tookMs: number) => void
  log: Log
  troubles: Troubles
}

/** Writes what workers said, group-committed, and keeps it until it is stored, however long that takes. */
export interface Persister<Item> {
  /** Resolves when all of them are committed; rejects only after stop. */
  store(items: Item[]): Promise<void>
  /** Writes what was accepted, if the database takes it, and refuses the rest. */
  stop(): Promise<void>
}

interface Entry<Item> {
  key: string
  item: Item
  trials: Trial[]
  isReplacement: boolean
  waiters: Waiter[]
}

/** A call of `store`. */
interface Waiter {
  /** How many of its items are not stored yet. */
  left: number
  resolve: () => void
  reject: (error: unknown) => void
}

const BACKOFF = { baseMs: 50, capMs: 2000 }
const pauseFor = (failures: number) => 20 + backoffMs(failures, Math.random(), BACKOFF)
/** Of those that fail by themselves, so many are tried at a time: a database in trouble is not to be stormed. */
const TRIED_AT_ONCE = 20

/**
 * What fails together is tried apart only when one of it, taken at random, is stored: then it is not the database that is
 * in trouble, but some of the items. Those step aside and are tried by themselves, so that the others go on.
 */
export function createPersister<Item>(options: PersisterOptions<Item>): Persister<Item> {
  const { what, log, troubles } = options
  const queue = new Map<string, Entry<Item>>()
  const aside = new Map<string, Entry<Item>>()
  let writing = 0
  let running: Promise<void> | null = null
  let retrying: Promise<void> | null = null
  let stopping = false
  const stop = Promise.withResolvers<void>()

  const pause = (failures: number) => Promise.race([Bun.sleep(pauseFor(failures)), stop.promise])

  function takeBatch(): Entry<Item>[] {
    const batch: Entry<Item>[] = []
    let weight = 0
    for (const entry of queue.values()) {
      weight += options.weigh(entry.item)
      if (batch.length > 0 && weight > options.maxWeight) break
      batch.push(entry)
    }
    for (const { key } of batch) queue.delete(key)
    return batch
  }

  async function write(entries: Entry<Item>[]) {
    const items = entries.map(({ item }) => item)
    const startedAt = performance.now()
    await options.write(items)
    const tookMs = performance.now() - startedAt
    log.debug({ [what]: items.length, tookMs }, 'Stored')
    options.onStored?.(items, tookMs)
    for (const { waiters } of entries) done(waiters)
  }

  function done(waiters: Waiter[]) {
    for (const waiter of waiters) if (--waiter.left === 0) waiter.resolve()
  }

  function refuse(entries: Entry<Item>[], error: unknown) {
    for (const { waiters } of entries) for (const { reject } of waiters) reject(error)
  }

  /** Back to the front; what was said of the same since is folded into it. */
  function putBack(entries: Entry<Item>[]) {
    const newer = [...queue.values()]
    queue.clear()
    for (const entry of [...entries, ...newer]) enter(queue, entry)
  }

  function enter(to: Map<string, Entry<Item>>, entry: Entry<Item>) {
    const before = to.get(entry.key)
    if (!before) return void to.set(entry.key, entry)
    before.item = options.merge(before.item, entry.item)
    before.waiters.push(...entry.waiters)
  }

  function raise(error: unknown) {
    troubles.raise(what, {
      message: `Some ${what} of workers cannot be stored: ${summarizeDatabaseError(error)}`,
      code: databaseCode(error) ?? 'unknown',
      waiting: queue.size + aside.size + writing,
    })
  }

  async function run() {
    for (let failures = 0; queue.size > 0; ) {
      const batch = takeBatch()
      writing = batch.length
      try {
        await write(batch)
        failures = 0
      } catch (error) {
        if (stopping) refuse(batch, error)
        else if (await isolate(batch, error, failures)) failures = 0
        else {
          putBack(batch)
          writing = 0
          raise(error)
          await pause(failures++)
        }
      }
      writing = 0
      if (aside.size === 0 && failures === 0) troubles.resolve(what)
    }
    running = null
  }

  /** Writes what can be written of a batch that failed; false when nothing can, and all of it is as it was. */
  async function isolate(batch: Entry<Item>[], error: unknown, failures: number): Promise<boolean> {
    if (!mayBeOfOneRow(error) && failures < 2) return false
    const [only] = batch
    if (batch.length === 1 && only) {
      if (!(await tryApart(only, error)).likeWasStored) return false
      stepAside(only, error)
      return true
    }
    const probe = batch[Math.floor(Math.random() * batch.length)] as Entry<Item>
    try {
      await write([probe])
    } catch {
      return false
    }
    await writeApart(batch.filter((entry) => entry !== probe))
    return true
  }

  async function writeApart(entries: Entry<Item>[]): Promise<void> {
    if (entries.length === 0) return
    try {
      await write(entries)
    } catch (error) {
      if (stopping) return refuse(entries, error)
      const [only] = entries
      if (entries.length === 1 && only) return stepAside(only, error)
      const half = entries.length >> 1
      await writeApart(entries.slice(0, half))
      await writeApart(entries.slice(half))
    }
  }

  function stepAside(entry: Entry<Item>, error: unknown) {
    enter(aside, entry)
    raise(error)
    retrying ??= retryAside()
  }

  /** Whether what the item holds is to blame, as far as one more try tells. */
  async function tryApart(entry: Entry<Item>, error: unknown): Promise<Trial> {
    const trial = {
      mayBeOfOneRow: mayBeOfOneRow(error),
      likeWasStored: await options.writeLike(entry.item).then(
        () => true,
        () => false,
      ),
    }
    entry.trials.push(trial)
    return trial
  }

  async function retryAside() {
    for (let failures = 0; aside.size > 0; ) {
      await pause(failures)
      if (stopping) break
      const some = [...aside.values()].sort(() => Math.random() - 0.5).slice(0, TRIED_AT_ONCE)
      let stored = 0
      for (const entry of some) if (!stopping && (await retry(entry))) stored++
      failures = stored > 0 ? 0 : failures + 1
      // When all that were tried are stored, the rest is no longer suspected.
      if (stored === some.length) {
        putBack([...aside.values()])
        aside.clear()
        start()
      }
    }
    retrying = null
    if (stopping) refuse([...aside.values()], new AppError('unavailable', 'shutting down'))
    else if (queue.size === 0 && !running) troubles.resolve(what)
  }

  async function retry(entry: Entry<Item>): Promise<boolean> {
    const { item } = entry
    try {
      await write([{ ...entry, waiters: [] }])
    } catch (error) {
      await tryApart(entry, error)
      if (!isRowAtFault(entry.trials) || entry.isReplacement) raise(error)
      else setApart(entry, error)
      return false
    }
    aside.delete(entry.key)
    // What was said of the same meanwhile is not stored with it.
    if (entry.item === item) done(entry.waiters)
    else putBack([entry])
    start()
    return true
  }

  /** Puts in the place of what cannot be stored what can: parts of it, or what says so. */
  function setApart(entry: Entry<Item>, error: unknown) {
    const parts = options.divide?.(entry.item) ?? []
    if (parts.length > 1) {
      aside.delete(entry.key)
      add(parts, {
        left: parts.length,
        resolve: () => done(entry.waiters),
        reject: (why) => refuse([entry], why),
      })
      return
    }
    const reason = describeDatabaseError(error)
    log.error(
      { err: error, key: entry.key },
      `Of the ${what} of workers, one cannot be stored for what it holds`,
    )
    const replacement = options.replace(entry.item, reason)
    if (replacement !== null) {
      entry.item = replacement
      entry.isReplacement = true
      entry.trials = []
      return
    }
    aside.delete(entry.key)
    done(entry.waiters)
  }

  function add(items: Item[], waiter: Waiter) {
    for (const item of items) {
      const key = options.keyOf(item)
      const entry = { key, item, trials: [], isReplacement: false, waiters: [waiter] }
      enter(aside.has(key) ? aside : queue, entry)
    }
    start()
  }

  function start() {
    if (queue.size > 0) running ??= run()
  }

  return {
    async store(items) {
      if (stopping) throw new AppError('unavailable', 'shutting down')
      if (items.length === 0) return
      await new Promise<void>((resolve, reject) => add(items, { left: items.length, resolve, reject }))
    },
    async stop() {
      stopping = true
      stop.resolve()
      while (running || retrying) await Promise.all([running, retrying])
    },
  }
}
