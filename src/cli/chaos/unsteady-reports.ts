/**
 * Preloaded into a worker: some of the reports that it writes to its dispatch stream arrive late (in their
 * order all the same: it is one stream), some twice, and some once more after later ones.
 */
import type { WorkerMessage } from '../../shared/rpc/gen/grpcapi/WorkerMessage.ts'
import { CoordinatorService } from '../../shared/rpc/load.ts'
import { createRandom } from './random.ts'

const LATE = { share: 0.1, maxMs: 1500 }
const TWICE_SHARE = 0.1
const AGAIN = { share: 0.05, maxMs: 2000 }

const random = createRandom(Number(process.env.CHAOS_REPORTS_SEED ?? 0))

interface Stream {
  destroyed: boolean
  write(message: WorkerMessage): boolean
}

const openStream = CoordinatorService.prototype.Work as (...given: unknown[]) => Stream

CoordinatorService.prototype.Work = function work(...given: unknown[]) {
  const stream = openStream.apply(this, given)
  const write = stream.write.bind(stream)
  const waiting: { message: WorkerMessage; dueAt: number }[] = []

  const pass = (message: WorkerMessage) => {
    if (!stream.destroyed) write(message)
  }

  function passAll() {
    for (let first = waiting[0]; first; first = waiting[0]) {
      const waitMs = first.dueAt - performance.now()
      if (waitMs > 0) return void setTimeout(passAll, waitMs)
      waiting.shift()
      const { message } = first
      pass(message)
      if (random.chance(TWICE_SHARE)) pass(message)
      if (random.chance(AGAIN.share)) setTimeout(pass, random.integer(1, AGAIN.maxMs), message)
    }
  }

  stream.write = (message: WorkerMessage) => {
    if (!message.reports) return write(message)
    const lateMs = random.chance(LATE.share) ? random.integer(1, LATE.maxMs) : 0
    waiting.push({ message, dueAt: performance.now() + lateMs })
    // Who is not the first waits for the first's timer.
    if (waiting.length === 1) passAll()
    return true
  }
  return stream
}
