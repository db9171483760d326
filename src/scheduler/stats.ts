import { TASK_STATES, type TaskState } from '../shared/core/task.ts'
import type { Sql } from '../shared/store/connect.ts'
import { readCounts } from '../shared/store/counts.ts'
import { viewWorker, type WorkerView } from './views.ts'
import type { Workers } from './workers.ts'

export type Stats = {
  [State in TaskState as `${State}_tasks`]: number
} & {
  total_tasks: number
  queue_depth: number
  throughput_per_second: number
  workers: WorkerView[]
}

/** How many tasks there are in all states, of kept counts. */
export function totalOf(counts: Map<string, number>): number {
  return TASK_STATES.reduce((sum, state) => sum + (counts.get(state) ?? 0), 0)
}

/** How many tasks wait: for their time, for a worker, or in a worker. */
export function queueDepthOf(counts: Map<string, number>): number {
  return (counts.get('pending') ?? 0) + (counts.get('assigned') ?? 0)
}

/** The figures of one instant; the states always sum to the total. */
export async function readStats(sql: Sql, workers: Workers, throughput: number): Promise<Stats> {
  const [counts, live] = await Promise.all([readCounts(sql), workers.list({})])
  const of = (state: TaskState) => counts.get(state) ?? 0
  return {
    total_tasks: totalOf(counts),
    pending_tasks: of('pending'),
    assigned_tasks: of('assigned'),
    running_tasks: of('running'),
    completed_tasks: of('completed'),
    failed_tasks: of('failed'),
    cancelled_tasks: of('cancelled'),
    queue_depth: queueDepthOf(counts),
    throughput_per_second: throughput,
    workers: live.map(viewWorker),
  }
}
