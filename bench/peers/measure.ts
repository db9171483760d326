import { percentile } from '../percentile.ts'
import type { Figures, Peer, Sizes } from './peer.ts'

const BATCH = 1000
const BATCHES_AT_ONCE = 4
const SINGLES_AT_ONCE = 64
/** Between two looks at whether jobs have ended. */
const PAUSE_MS = 4

/** Measures a peer whose queue is empty: first pick-up, then inserts while nothing runs, then the drain of those. */
export async function measurePeer(peer: Peer, sizes: Sizes, isNotified: boolean): Promise<Figures> {
  const latencies = isNotified ? await measurePickUp(peer, sizes) : []
  const batches = await measureInserts(sizes.tasks, BATCH, BATCHES_AT_ONCE, (count) => peer.addBatch(count))
  const singles = await measureInserts(sizes.singles, 1, SINGLES_AT_ONCE, () => peer.addOne())
  const drain = await measureDrain(peer, sizes)
  return {
    drain,
    batches,
    singles,
    pickUpP50: latencies.length > 0 ? round(percentile(latencies, 0.5)) : null,
    pickUpP99: latencies.length > 0 ? round(percentile(latencies, 0.99)) : null,
  }
}

/** From the call that adds a job to its start, one at a time: the next is added when the one before has ended. */
async function measurePickUp(peer: Peer, { samples, warmUp, limitMs }: Sizes): Promise<number[]> {
  let started = Promise.withResolvers<number>()
  const stop = await peer.work(() => started.resolve(performance.now()))
  const deadline = performance.now() + limitMs
  const latencies: number[] = []
  // The first ones compile what runs often; half of the time at most is theirs.
  let uncounted = warmUp
  while (latencies.length < samples && performance.now() < deadline) {
    started = Promise.withResolvers()
    const addedAt = performance.now()
    await peer.addOne()
    const startedAt = await started.promise
    await untilNoneIsOpen(peer)
    if (uncounted > 0 && performance.now() < deadline - limitMs / 2) uncounted--
    else latencies.push(startedAt - addedAt)
  }
  await stop()
  return latencies
}

async function measureInserts(
  count: number,
  size: number,
  atOnce: number,
  add: (count: number) => Promise<unknown>,
): Promise<number> {
  let left = count
  const startedAt = performance.now()
  const producer = async () => {
    while (left > 0) {
      const next = Math.min(size, left)
      left -= next
      await add(next)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, producer))
  return perSecond(count, performance.now() - startedAt)
}

/** From the first job's start until all have ended in the database, or until the time is up. */
async function measureDrain(peer: Peer, { limitMs }: Sizes): Promise<number> {
  const count = await peer.countOpen()
  let started = 0
  let startedAt = 0
  const allStarted = Promise.withResolvers<void>()
  const stop = await peer.work(() => {
    if (started === 0) startedAt = performance.now()
    started++
    if (started === count) allStarted.resolve()
  })
  await Promise.race([allStarted.promise, Bun.sleep(limitMs)])
  if (started >= count) await untilNoneIsOpen(peer)
  const open = started >= count ? 0 : await peer.countOpen()
  const took = performance.now() - startedAt
  await stop()
  if (started === 0) throw new Error(`no job was started in ${limitMs} ms`)
  return perSecond(count - open, took)
}

async function untilNoneIsOpen(peer: Peer): Promise<void> {
  const deadline = performance.now() + 30_000
  while ((await peer.countOpen()) > 0) {
    if (performance.now() > deadline) throw new Error('jobs that were started did not end')
    await Bun.sleep(PAUSE_MS)
  }
}

const perSecond = (count: number, ms: number) => round((count / ms) * 1000)

const round = (value: number) => Number(value.toPrecision(4))
