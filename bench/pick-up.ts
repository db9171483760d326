import { type LatencyResult, summary } from './latency.ts'
import { followStarts } from './starts.ts'

export interface PickUpMeter {
  /** A task was accepted whose request was sent at that epoch ms. */
  note(id: string, sentAt: number): void
  /** How long each of the tasks that were noted and have started took; those are forgotten then. */
  take(): Promise<LatencyResult & { waiting: number }>
}

/**
 * Measures pick-up, from the HTTP POST to the handler's start, of a system whose workers note what they start. What
 * has started before does not count.
 */
export async function createPickUpMeter(historyFile: string): Promise<PickUpMeter> {
  const sent = new Map<string, number>()
  /** A handler may start before the answer is here. */
  const early = new Map<string, number>()
  const starts = followStarts(historyFile)
  let latencies: number[] = []
  await starts.read()
  return {
    note(id, sentAt) {
      const at = early.get(id)
      if (at === undefined) sent.set(id, sentAt)
      else {
        early.delete(id)
        latencies.push(at - sentAt)
      }
    },
    async take() {
      for (const { taskId, at } of await starts.read()) {
        const sentAt = sent.get(taskId)
        if (sentAt === undefined) early.set(taskId, at)
        else {
          sent.delete(taskId)
          latencies.push(at - sentAt)
        }
      }
      const taken = latencies
      latencies = []
      return { ...summary(taken), waiting: sent.size }
    },
  }
}
