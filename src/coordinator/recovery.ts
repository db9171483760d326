import type { Log } from '../shared/log.ts'
import type { Troubles } from '../shared/runtime/troubles.ts'
import type { Sql } from '../shared/store/connect.ts'
import { foldCounts } from '../shared/store/counts.ts'
import { troubled } from '../shared/store/troubled.ts'
import { forgetWorkers, type Instant, loseSilent, requeueOrphans } from '../shared/store/workers.ts'
import type { Registry } from './registry.ts'
import type { Steadiness } from './steadiness.ts'

/** Offline workers are kept this long for those who ask what happened. */
const FORGET_WORKERS_MS = 24 * 3600 * 1000

export interface RecoveryOptions {
  sql: Sql
  log: Log
  registry: Registry
  troubles: Troubles
  steadiness: Steadiness
  silenceMs: number
  heartbeatIntervalMs: number
  maxLosses: number
}

export interface Recovery {
  /** One beat: renews the leases held here, gives up silent workers, and puts back what nobody holds. */
  tick(): Promise<void>
}

export function createRecovery(options: RecoveryOptions): Recovery {
  const { sql, log, registry, troubles, steadiness, silenceMs, heartbeatIntervalMs, maxLosses } = options
  let lastRenewedAt = performance.now()
  let forgottenAt = Number.NEGATIVE_INFINITY

  async function renew() {
    try {
      const at = await troubled(troubles, 'leases', 'The leases of workers cannot be renewed', () =>
        registry.beat(),
      )
      steadiness.beat(at)
      lastRenewedAt = performance.now()
      return at
    } catch (error) {
      steadiness.fail()
      throw error
    }
  }

  async function recover(at: Instant) {
    // Silence counts only while every lease could be renewed: there is none to be judged by in the dark.
    if (steadiness.isProven()) {
      registry.forget(await loseSilent(sql, silenceMs, maxLosses, { at, withinMs: silenceMs / 2 }))
    }
    const orphans = await requeueOrphans(sql, maxLosses)
    if (orphans > 0) log.info({ tasks: orphans }, 'Put back tasks whose worker is gone')
  }

  async function beat() {
    const at = await renew()
    await troubled(troubles, 'recovery', 'Tasks of lost workers cannot be put back', () => recover(at))
    await foldCounts(sql)
    const now = performance.now()
    if (now - forgottenAt > 60_000) {
      forgottenAt = now
      await forgetWorkers(sql, FORGET_WORKERS_MS)
    }
  }

  return {
    tick: () =>
      beat().catch((error) => {
        // Who cannot renew leases can place nothing; the workers may find a coordinator who can.
        if (performance.now() - lastRenewedAt > heartbeatIntervalMs) registry.closeAll()
        throw error
      }),
  }
}
