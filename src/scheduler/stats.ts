import { TASK_STATES, type TaskState } from '../shared/core/task.ts'
import { readCounts } from '../shared/store/counts.ts'
import type { Worker } from '../shared/store/workers.ts'
import type { Services } from './services.ts'
import { viewWorker, type WorkerView } from './views.ts'

export type Stats = {
  [State in TaskState as `${State}_tasks`]: number
} & {
  total_tasks: number
  queue_depth: number
  /** Due and waiting for a worker. */
  due_tasks: number
  /** Of all live workers. */
  slots: number
  busy_slots: number
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

/** How many tasks these workers can run at once, and how many they do. */
export function slotsOf(workers: Worker[]): { slots: number; busy_slots: number } {
  return {
    slots: workers.reduce((sum, { slots }) => sum + slots, 0),
    busy_slots: workers.reduce(
      (sum, { slots, runningTaskIds }) => sum + Math.min(slots, runningTaskIds.length),
      0,
    ),
  }
}

/** The figures of one instant; the states always sum to the total. */
export async function readStats({
  sql,
  workers,
  due,
  feed,
}: Pick<Services, 'sql' | 'workers' | 'due' | 'feed'>): Promise<Stats> {
  const [counts, live, dueTasks] = await Promise.all([readCounts(sql), workers.list({}), due()])
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
    due_tasks: dueTasks,
    ...slotsOf(live),
    throughput_per_second: feed.completedPerSecond(),
    workers: live.map(viewWorker),
  }
}
