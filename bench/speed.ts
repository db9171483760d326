import type { Bench } from './cluster.ts'
import { measureDrain } from './drain.ts'
import { type LatencyResult, measurePickUp } from './latency.ts'
import { type System, startSystem } from './system.ts'

export interface SpeedOptions {
  /** Of the drain. */
  tasks: number
  /** Of the pick-up, and how many before them are not counted. */
  samples: number
  warmUp: number
}

export interface Speed {
  pickUp: LatencyResult
  drainPerSecond: number
}

/**
 * Pick-up and then the drain, of the real system.
 *
 * @param meanwhile runs while the system of the drain is still up, which has no scheduler yet
 */
export async function measureSpeed(
  database: Bench,
  { tasks, samples, warmUp }: SpeedOptions,
  meanwhile: (system: System) => Promise<void> = async () => {},
): Promise<Speed> {
  const { sql } = database
  let system = await startSystem(database, { history: true })
  try {
    await measurePickUp(sql, system.url, system.historyFile, warmUp)
    const pickUp = await measurePickUp(sql, system.url, system.historyFile, samples)
    await system.stop()
    const { perSecond } = await measureDrain(sql, tasks, async () => {
      system = await startSystem(database, { schedulers: 0 })
    })
    await meanwhile(system)
    return { pickUp, drainPerSecond: perSecond }
  } finally {
    await system.stop()
  }
}
