import type { Log } from '../shared/log.ts'
import type { Troubles } from '../shared/runtime/troubles.ts'
import type { Sql } from '../shared/store/connect.ts'
import { foldCounts } from '../shared/store/counts.ts'
import { troubled } from '../shared/store/troubled.ts'
import { forgetWorkers, loseSilent, requeueOrphans } from '../shared/store/workers.ts'
import type { Registry } from './registry.ts'

/** Offline workers are kept this long for those who ask what happened. */
const FORGET_WORKERS_MS = 24 * 3600 * 1000

export interface RecoveryOptions {
  sql: Sql
  log: Log
  registry: Registry
  troubles: Troubles
  silenceMs: number
  heartbeatIntervalMs: number
  maxLosses: number
}

export interface Recovery {
  /** One beat: renews the leases held here, gives up silent workers, and puts back what nobody holds. */
  tick(): Promise<void>
}

export function createRecovery(options: RecoveryOptions): Recovery {
  const { sql, log, registry, troubles, silenceMs, heartbeatIntervalMs, maxLosses } = options
  /** Since when every beat has succeeded (monotonic ms), or null after one that failed. */
  let steadySince: number | null = null
  let lastRenewedAt = performance.now()
  let forgottenAt = Number.NEGATIVE_INFINITY

  async function beat() {
    await troubled(troubles, 'leases', 'The leases of workers cannot be renewed', () => registry.beat())
    const now = performance.now()
    lastRenewedAt = now
    steadySince ??= now
    // While the database was away nobody could renew a lease: give the others one interval to do so first.
    if (now - steadySince >= heartbeatIntervalMs) registry.forget(await loseSilent(sql, silenceMs, maxLosses))
    const orphans = await requeueOrphans(sql, maxLosses)
    if (orphans > 0) log.info({ tasks: orphans }, 'Put back tasks whose worker is gone')
    await foldCounts(sql)
    if (now - forgottenAt > 60_000) {
      forgottenAt = now
      await forgetWorkers(sql, FORGET_WORKERS_MS)
    }
  }

  return {
    tick: () =>
      beat().catch((error) => {
        steadySince = null
        // Who cannot renew leases can place nothing; the workers may find a coordinator who can.
        if (performance.now() - lastRenewedAt > heartbeatIntervalMs) registry.closeAll()
        throw error
      }),
  }
}
