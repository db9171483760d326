import type { Json } from '../../shared/core/task.ts'
import type { Executor } from './executor.ts'

/**
 * Stands for work: takes `payload.duration_ms`, or TASK_PROCESS_TIME, and fails with probability
 * `payload.failure_rate`.
 */
export const simulate: Executor = async (task, { processTimeMs }) => {
  const durationMs = numberIn(task.payload, 'duration_ms') ?? processTimeMs
  const failureRate = numberIn(task.payload, 'failure_rate') ?? 0
  if (durationMs > 0) await Bun.sleep(durationMs)
  if (failureRate > 0 && Math.random() < failureRate) throw new Error('simulated failure')
  return null
}

function numberIn(payload: Json | null, key: string): number | null {
  if (payload === null || typeof payload !== 'object' || Array.isArray(payload)) return null
  const value = payload[key]
  return typeof value === 'number' && value >= 0 ? value : null
}
