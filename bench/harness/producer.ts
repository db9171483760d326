import { post } from '../http.ts'
import { epochMs } from '../load.ts'
import type { ProducerConfig } from './config.ts'
import { type HarnessJob, harnessJob } from './handler.ts'

/** ms until it looks again whether there is something to submit, and after a request that failed. */
const IDLE_MS = 50
const AFTER_FAILURE_MS = 200
/** Requests on their way at once, where the rate is given; by depth it is one, as in the other adapters. */
const AT_ONCE = 4
/** Roughly what a payload has besides its padding. */
const BARE_BYTES = 64

export interface ProducerOptions extends ProducerConfig {
  /** Of the scheduler. */
  url: string
  /** Tasks that wait, as last seen. */
  depth: () => number
  /** So many tasks were accepted by one request, which took so long. */
  onAccepted: (count: number, tookMs: number) => void
  /** So many tasks were not accepted; they are not tried again. */
  onFailure: (count: number, error: Error) => void
}

export interface Producer {
  /** Tasks a second that it is to submit now; 0 by depth. */
  targetRate(): Promise<number>
  /** Submits until it is stopped. */
  run(): Promise<void>
  /** Begins no further request, and waits for those that are open. */
  stop(): Promise<void>
}

/** Submits tasks over REST, each request a batch of tasks that differ. */
export function createProducer(options: ProducerOptions): Producer {
  const { url, depth, onAccepted, onFailure, pacing, batchMax, batchMs, targetDepth, workMs, queues } =
    options
  const padding = 'x'.repeat(Math.max(0, options.payloadBytes - BARE_BYTES))
  let seq = 0
  let batches = 0
  let stopped = false
  const open = new Set<Promise<void>>()

  /** Resolves when another request may be made. */
  async function submit(count: number, atOnce: number): Promise<void> {
    const request: Promise<void> = send(count).finally(() => open.delete(request))
    open.add(request)
    if (open.size >= atOnce) await Promise.race(open)
  }

  async function send(count: number): Promise<void> {
    const queue = queues > 1 ? { queue: `harness-${batches++ % queues}` } : {}
    const sentAt = epochMs()
    const tasks = Array.from({ length: count }, () => {
      const payload: HarnessJob = { seq: seq++, sent_at: sentAt, work_ms: workMs, padding }
      return { command: harnessJob.name, executor: 'function', payload, ...queue }
    })
    try {
      await post(`${url}/api/tasks/batch`, { tasks })
      onAccepted(count, epochMs() - sentAt)
    } catch (error) {
      // Like the other adapters it goes on: the harness takes the database away on purpose.
      onFailure(count, error as Error)
      await Bun.sleep(AFTER_FAILURE_MS)
    }
  }

  async function rate(): Promise<number> {
    if (!options.rateFile) return options.rate
    const text = await Bun.file(options.rateFile)
      .text()
      .catch(() => '')
    const rate = Number.parseFloat(text)
    return Number.isFinite(rate) ? rate : options.rate
  }

  /** `ENQUEUE 20` on standard input: submit 20 tasks with one request. */
  async function byHarness() {
    for await (const line of console) {
      if (stopped) return
      const count = Number(/^ENQUEUE (\d+)\s*$/.exec(line)?.[1] ?? 0)
      if (count > 0) await submit(count, AT_ONCE)
    }
  }

  /** Credit grows with the time that has really passed, however long a request takes. */
  async function byRate() {
    let credit = 0
    let creditedAt = performance.now()
    while (!stopped) {
      await Bun.sleep(Math.max(0, batchMs - (performance.now() - creditedAt)))
      const now = performance.now()
      credit += ((await rate()) * (now - creditedAt)) / 1000
      creditedAt = now
      while (credit >= 1 && !stopped) {
        const count = Math.min(batchMax, Math.floor(credit))
        credit -= count
        await submit(count, AT_ONCE)
      }
    }
  }

  async function byDepth() {
    while (!stopped) {
      const count = Math.min(batchMax, targetDepth - depth())
      if (count > 0) await submit(count, 1)
      else await Bun.sleep(IDLE_MS)
    }
  }

  return {
    targetRate: async () => (pacing === 'depth' ? 0 : await rate()),
    run: { harness: byHarness, rate: byRate, depth: byDepth }[pacing],
    async stop() {
      stopped = true
      await Promise.all(open)
    },
  }
}
