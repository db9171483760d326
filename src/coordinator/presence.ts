import { networkInterfaces } from 'node:os'
import type { Log } from '../shared/log.ts'
import { repeat } from '../shared/repeat.ts'
import type { Troubles } from '../shared/runtime/troubles.ts'
import type { Sql } from '../shared/store/connect.ts'
import { databaseCode, summarizeDatabaseError } from '../shared/store/errors.ts'
import { beatService, forgetServices, type RunningService, removeService } from '../shared/store/services.ts'

const BEAT_MS = 1000
/** ms that a write may take before it is told. */
const PATIENCE_MS = 2000
/** Rows of services that ended without saying so are removed after this. */
const FORGET_MS = 3_600_000
const FORGET_EVERY = 600
const STOP_MS = 500

export interface Presence {
  stop(): Promise<void>
}

/** Writes once a second that this coordinator runs, and where, so that schedulers find it; tells when it cannot. */
export function startPresence(
  sql: Sql,
  troubles: Troubles,
  log: Log,
  { id, address }: Pick<RunningService, 'id' | 'address'>,
): Presence {
  let beats = 0

  async function beat() {
    const late = setTimeout(
      () => troubles.raise('presence', { message: 'The database does not answer.' }),
      PATIENCE_MS,
    )
    try {
      await beatService(sql, { id, kind: 'coordinator', address })
      troubles.resolve('presence')
      if (beats++ % FORGET_EVERY === 0) await forgetServices(sql, FORGET_MS)
    } catch (error) {
      const code = databaseCode(error)
      troubles.raise('presence', {
        message: `It cannot write to the database: ${summarizeDatabaseError(error)}`,
        ...(code && { code }),
      })
    } finally {
      clearTimeout(late)
    }
  }

  void beat()
  const beating = repeat('Presence', BEAT_MS, log, beat)
  return {
    async stop() {
      const leaving = beating.stop().then(() => removeService(sql, id))
      await Promise.race([leaving.catch(() => {}), Bun.sleep(STOP_MS)])
    },
  }
}

/** Where others reach what listens on `host`: of any address, the first that leads out of this machine. */
export function addressOf(host: string, port: number): string {
  const isAny = host === '0.0.0.0' || host === '::' || host === ''
  const name = isAny ? outwardAddress() : host
  return name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`
}

function outwardAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const outward = all.filter(({ internal, scopeid }) => !internal && !scopeid)
  const best = outward.find(({ family }) => family === 'IPv4') ?? outward[0]
  return best?.address ?? '127.0.0.1'
}
