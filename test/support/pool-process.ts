import type { Report } from '../../src/shared/core/report.ts'
import type { Assignment } from '../../src/shared/core/task.ts'
import type { RunTimes } from '../../src/worker/batching.ts'
import { createPool, type Pool } from '../../src/worker/pool.ts'
import { slotSettings } from './slot-settings.ts'

/** Pools of one slot in a process of their own: `bun test` takes what threads do not catch for its own. */
export interface PoolOrder {
  pool: number
  /** Null: the pool stops. Several: they are given at once, to a pool that knows those called brief to be short. */
  task: Assignment | Assignment[] | null
  handlers: string
}

export type PoolMessage = { pool: number } & (
  | { report: Report }
  | { taskId: string; lines: string[] }
  | { taskId: string; progress: number }
  | { stray: string }
)

const KNOWN: RunTimes = { note() {}, shortMs: (kind) => (kind?.endsWith(' brief') ? 0.1 : null) }

const pools = new Map<number, Pool>()
const tell = (message: PoolMessage) => process.send?.(message)

process.on('message', ({ pool, task, handlers }: PoolOrder) => {
  if (!task) return pools.get(pool)?.stop()
  const own =
    pools.get(pool) ??
    createPool({
      slots: 1,
      settings: slotSettings({ executors: ['function', 'simulate'], handlers }),
      ...(Array.isArray(task) && { runTimes: KNOWN }),
      onReport: (report) => tell({ pool, report }),
      onLines: ({ taskId }, lines) => tell({ pool, taskId, lines: lines.map(({ text }) => text) }),
      onProgress: ({ taskId }, progress) => tell({ pool, taskId, progress }),
      onStray: (stray) => tell({ pool, stray }),
    })
  pools.set(pool, own)
  if (Array.isArray(task)) own.takeAll(task)
  else own.take(task)
})
process.on('disconnect', () => process.exit())
