import { batch, createSignal } from 'solid-js'
import { createStore, reconcile } from 'solid-js/store'
import {
  api,
  type Buckets,
  type Counts,
  type Delta,
  type FeedEvent,
  type HealthView,
  type LiveMessage,
  type LiveWorker,
  type Snap,
} from './api.ts'
import { ageOf, type Freshness, freshnessOf, type Link, type Received } from './live/freshness.ts'
import { createMoves, type Move } from './live/moved.ts'
import { createRing } from './live/ring.ts'

interface Sample {
  /** Epoch s. */
  at: number
  queued: number
  assigned: number
  running: number
}

const LOG_KEPT = 200
const BUCKETS_KEPT = 300
const RETRY_MS = 1000
/** How long a worker that is gone stays in the picture. */
export const GONE_SHOWN_MS = 60_000

/** How often it is looked whether what is shown has become old. */
const WATCH_MS = 250

/** Null: nothing has been told yet, which is not the same as 0. */
interface Figures {
  counts: Counts | null
  throughput: number | null
  queueDepth: number | null
  canScale: boolean
}

const [figures, setFigures] = createStore<Figures>({
  counts: null,
  throughput: null,
  queueDepth: null,
  canScale: false,
})
const [workers, setWorkers] = createStore<{ list: LiveWorker[] }>({ list: [] })
const [link, setLink] = createSignal<Link>('connecting')
const [freshness, setFreshness] = createSignal<Freshness>('connecting')
const [ageMs, setAgeMs] = createSignal<number | null>(null)
const [health, setHealth] = createSignal<HealthView | null>(null)
const [log, setLog] = createSignal<FeedEvent[]>([])
const [dropped, setDropped] = createSignal(0)
const [moves, setMoves] = createSignal<Move[]>([])
const [beat, setBeat] = createSignal(0)
const [hasSnap, setHasSnap] = createSignal(false)
const [gapAfter, setGapAfter] = createSignal<ReadonlySet<number>>(new Set())

/** Everything live, fed by one subscription for the whole page. */
export const live = {
  figures,
  /** By name; those gone less than a minute ago too. */
  workers: () => workers.list,
  online: () => workers.list.filter((worker) => worker.online),
  /** Whether what is shown can be believed. */
  freshness,
  isFresh: () => freshness() === 'live',
  /** How old it is, in ms, to the second; null when nothing is known. */
  ageMs,
  /** How the whole system is, as the scheduler says; null when it has said nothing yet. */
  health,
  /** Whether anything has arrived yet. */
  hasSnap,
  log,
  /** Ids of the events after which some were left out. */
  gapAfter,
  /** Events left out because we were too slow, since the page was opened. */
  dropped,
  moves,
  /** Rises with every message that changed something. */
  beat,
  ring: createRing(),
  buckets: [] as Buckets[],
  /** How many stood where, a value a second, since the page was opened. */
  samples: [] as Sample[],
  /** The database's clock, epoch ms. */
  now: () => Date.now() + clockOffset,
  /** The moment that is shown: it stands still while nothing new is known, so that nothing seems to go on. */
  shownAt: () => stoppedAt ?? live.now(),
  nameOf: (id: number) => names.get(id) ?? `worker ${id}`,
}

const names = new Map<number, string>()
let follower = createMoves()
let clockOffset = 0
let lastSeq: number | null = null
let received: Received | null = null
let stoppedAt: number | null = null
let onFresh = () => {}
let subscription: { unsubscribe(): void } | null = null
let retry: ReturnType<typeof setTimeout> | undefined

/**
 * Opens the subscription, and opens it again whenever it ends.
 *
 * @param onReturn called when what is shown is current again after it was not
 */
export function startLive(onReturn: () => void): void {
  onFresh = onReturn
  const connect = () => {
    clearTimeout(retry)
    subscription?.unsubscribe()
    const again = () => {
      loseLink()
      clearTimeout(retry)
      retry = setTimeout(connect, RETRY_MS)
    }
    subscription = api.dashboard.live.subscribe(
      { lastEventId: lastSeq === null ? null : String(lastSeq) },
      {
        onData: ({ data }) => {
          take(data)
          setLink('live')
          watch()
        },
        onConnectionStateChange: ({ state, error }) => {
          if (state === 'connecting' && error) loseLink()
        },
        onError: again,
        onComplete: again,
      },
    )
  }
  addEventListener('offline', () => {
    loseLink()
    subscription?.unsubscribe()
  })
  addEventListener('online', connect)
  connect()
  setInterval(forgetGone, 5000)
  setInterval(watch, WATCH_MS)
}

function loseLink(): void {
  setLink('disconnected')
  watch()
}

/** Says whether what is shown is current. */
function watch(): void {
  const now = performance.now()
  const before = freshness()
  const is = freshnessOf(link(), received, hasSnap(), now)
  if (is === 'live') stoppedAt = null
  else if (before === 'live') stoppedAt = live.now()
  const age = ageOf(received, now)
  setAgeMs(age === null ? null : Math.floor(age / 1000) * 1000)
  setFreshness(is)
  if (is === 'live' && before !== 'live' && before !== 'connecting') onFresh()
}

function take(message: LiveMessage): void {
  if (message.type === 'delta' && lastSeq !== null && message.seq <= lastSeq) return
  lastSeq = message.seq
  received = { message, at: performance.now() }
  setHealth(message.health)
  // What has changed says little to those who do not know what was before.
  if (message.type === 'unknown' || (message.type === 'delta' && !hasSnap())) return
  const offset = message.at - Date.now()
  // A message can only be late: the largest difference is the truest; a slow drift is followed.
  clockOffset =
    message.type === 'snap' || offset > clockOffset ? offset : clockOffset + (offset - clockOffset) / 200
  batch(() => {
    if (message.type === 'snap') takeSnap(message)
    else takeDelta(message)
    setFigures({ counts: message.counts, throughput: message.throughput, queueDepth: message.queueDepth })
    takeSample(message)
    setBeat((n) => n + 1)
  })
}

function takeSnap(snap: Snap): void {
  live.ring.clear()
  follower = createMoves()
  setFigures('canScale', snap.fleet)
  showWorkers(snap.workers)
  for (const span of snap.spans.toSorted(
    (a, b) => (a.startedAt ?? a.pickedAt ?? 0) - (b.startedAt ?? b.pickedAt ?? 0),
  ))
    takeSpan(span)
  live.buckets = snap.buckets.slice(-BUCKETS_KEPT)
  setLog(snap.log.slice(-LOG_KEPT))
  setMoves(follower.list())
  setHasSnap(true)
}

function takeDelta(delta: Delta): void {
  if (delta.workers.length > 0) {
    const changed = new Map(delta.workers.map((worker) => [worker.id, worker]))
    showWorkers([...workers.list.filter(({ id }) => !changed.has(id)), ...changed.values()])
  }
  for (const span of delta.spans) takeSpan(span)
  if (delta.spans.length > 0) setMoves(follower.list())
  for (const bucket of delta.buckets) takeBucket(bucket)
  if (delta.log.length > 0 || delta.dropped > 0) {
    const last = log().at(-1)
    if (delta.dropped > 0) {
      setDropped((n) => n + delta.dropped)
      if (last) setGapAfter((ids) => new Set([...ids].slice(-LOG_KEPT)).add(last.id))
    }
    if (delta.log.length > 0) setLog((all) => [...all, ...delta.log].slice(-LOG_KEPT))
  }
}

function takeSpan(span: Snap['spans'][number]): void {
  live.ring.put(span)
  follower.put(span)
}

/** A second is told again when more of it is known. */
function takeBucket(bucket: Buckets): void {
  const at = live.buckets.findLastIndex((known) => known.at <= bucket.at)
  if (live.buckets[at]?.at === bucket.at) live.buckets[at] = bucket
  else live.buckets.splice(at + 1, 0, bucket)
  if (live.buckets.length > BUCKETS_KEPT) live.buckets.shift()
}

function takeSample({ at, counts }: Snap | Delta): void {
  const sample = {
    at: Math.floor(at / 1000),
    queued: counts.pending,
    assigned: counts.assigned,
    running: counts.running,
  }
  if (live.samples.at(-1)?.at === sample.at) live.samples.pop()
  live.samples.push(sample)
  if (live.samples.length > BUCKETS_KEPT) live.samples.shift()
}

function showWorkers(list: LiveWorker[]): void {
  for (const { id, name } of list) names.set(id, name)
  const since = live.now() - GONE_SHOWN_MS
  const shown = list.filter(({ online, offlineAt }) => online || (offlineAt !== null && offlineAt > since))
  setWorkers('list', reconcile(shown.toSorted(byName), { key: 'id' }))
}

function forgetGone(): void {
  if (workers.list.some(({ online }) => !online)) showWorkers([...workers.list])
}

const collator = new Intl.Collator('en', { numeric: true })
const byName = (a: LiveWorker, b: LiveWorker) => collator.compare(a.name, b.name) || a.id - b.id
