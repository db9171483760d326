import { AppError } from '../../shared/core/error.ts'
import { DEFAULT_QUEUE } from '../../shared/core/lane.ts'
import type { Log } from '../../shared/log.ts'
import { notifyEvent } from '../../shared/store/channel.ts'
import type { Sql } from '../../shared/store/connect.ts'
import {
  limitQueue,
  listQueues,
  pauseQueue,
  type Queue,
  type QueueLimits,
  resumeQueue,
} from '../../shared/store/queues.ts'
import type { EditQueueInput, PauseQueueInput } from './input.ts'

export interface Queues {
  /** By name, MAX_LISTED at most. */
  list(): Promise<Queue[]>
  /** @throws `not_found` */
  get(name: string): Promise<Queue>
  /**
   * Sets limits, of a queue that has no tasks yet too.
   *
   * @throws `invalid` for a limit that the default queue cannot have
   */
  edit(name: string, input: EditQueueInput): Promise<Queue>
  /** Nothing of it is started any more, until it is resumed; what runs goes on. */
  pause(name: string, input: PauseQueueInput): Promise<Queue>
  /** @throws `not_found` */
  resume(name: string): Promise<Queue>
}

/** The use cases of queues, the same for every edge. */
export function createQueues({ sql, log }: { sql: Sql; log: Log }): Queues {
  async function get(name: string): Promise<Queue> {
    const [queue] = await listQueues(sql, name)
    if (!queue) throw new AppError('not_found', 'Queue not found')
    return queue
  }

  // What was done is done: that nobody could be told is no failure of the request.
  const announce = (type: 'queue_paused' | 'queue_resumed', text: string) =>
    notifyEvent(sql, type, { text }).catch((error) => log.warn({ err: error }, 'Could not announce an event'))

  return {
    list: () => listQueues(sql),
    get,

    async edit(name, input) {
      // What it holds is not counted, so that those who use no queues pay nothing for them.
      if (name === DEFAULT_QUEUE && input.concurrency) {
        throw new AppError(
          'invalid',
          'concurrency is not for the queue default: submit what is to be limited to a queue of another name',
        )
      }
      await limitQueue(sql, name, limitsFrom(input))
      return await get(name)
    },

    async pause(name, { by }) {
      const isNew = await pauseQueue(sql, name, by ?? null)
      if (isNew) await announce('queue_paused', `Queue ${name} paused${by ? ` by ${by}` : ''}`)
      return await get(name)
    },

    async resume(name) {
      const wasPaused = await resumeQueue(sql, name)
      if (wasPaused) await announce('queue_resumed', `Queue ${name} resumed`)
      return await get(name)
    },
  }
}

/** What is left out is left out; null for all of `per_key` lifts both of its limits. */
function limitsFrom({ concurrency, rate, per_key }: EditQueueInput): Partial<QueueLimits> {
  const key = per_key === null ? { concurrency: null, rate: null } : per_key
  return {
    ...(concurrency !== undefined && { concurrency }),
    ...(rate !== undefined && { rate: rate?.limit ?? null, ratePeriodMs: rate?.period_ms ?? null }),
    ...(key?.concurrency !== undefined && { keyConcurrency: key.concurrency }),
    ...(key?.rate !== undefined && {
      keyRate: key.rate?.limit ?? null,
      keyRatePeriodMs: key.rate?.period_ms ?? null,
    }),
  }
}
