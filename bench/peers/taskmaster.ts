import type { Bench } from '../cluster.ts'
import { type HttpResult, measureHttp } from '../http.ts'
import { measureSpeed } from '../speed.ts'
import type { Figures, Sizes } from './peer.ts'

/**
 * The same of TaskMaster, as its users run it: processes of their own, HTTP, and each task kept. The pick-up is from
 * the HTTP POST to the handler's start; the drain from the first claim to the last completion.
 */
export async function measureTaskMaster(database: Bench, sizes: Sizes): Promise<Figures> {
  let http: HttpResult | undefined
  const { pickUp, drainPerSecond } = await measureSpeed(database, sizes, async (system) => {
    await system.startScheduler()
    http = await measureHttp(system.url, sizes.tasks, sizes.singles)
  })
  return {
    drain: drainPerSecond,
    batches: http?.batchInsertPerSecond ?? Number.NaN,
    singles: http?.singleInsertPerSecond ?? Number.NaN,
    pickUpP50: pickUp.p50Ms,
    pickUpP99: pickUp.p99Ms,
  }
}
