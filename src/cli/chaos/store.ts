import { randomBytes } from 'node:crypto'
import { connect, type DatabaseSettings, type Sql } from '../../shared/store/connect.ts'
import type { RestartableServer } from './server.ts'

/** The database of the services, and the role that they are, which is no superuser. */
export const SERVICES = { database: 'taskmaster', role: 'taskmaster' } as const

const POOL = {
  poolMax: 2,
  connectTimeoutMs: 2000,
  idleTimeoutMs: 60_000,
  statementTimeoutMs: 20_000,
  applicationName: 'taskmaster-chaos',
}

/** A way to the server as its superuser, and by no proxy. */
export interface Store {
  /** How the services reach their database. */
  readonly settings: RestartableServer['settings']
  /** In the database of the services. */
  readonly sql: Sql
  /** In another one, from which that of the services can be renamed. */
  readonly admin: Sql
  /** A connection of one's own. `as`: the superuser, or the role of the services. */
  open(options: { database: 'services' | 'other'; as: 'superuser' | 'services'; max?: number }): Sql
  end(): Promise<void>
}

/** Makes the services' role and database on a server that has neither. */
export async function createStore({ settings }: RestartableServer): Promise<Store> {
  const password = randomBytes(16).toString('hex')
  const services = { ...settings, user: SERVICES.role, password, database: SERVICES.database }

  function open({ database, as, max = 1 }: Parameters<Store['open']>[0]): Sql {
    const user: Partial<DatabaseSettings> = as === 'services' ? services : settings
    const name = database === 'services' ? services.database : settings.database
    return connect({ ...POOL, ...settings, ...user, database: name, poolMax: max })
  }

  const admin = open({ database: 'other', as: 'superuser', max: 2 })
  await admin.unsafe(`CREATE ROLE ${SERVICES.role} LOGIN PASSWORD '${password}'`)
  await admin.unsafe(`CREATE DATABASE ${SERVICES.database} OWNER ${SERVICES.role}`)
  const sql = open({ database: 'services', as: 'superuser', max: 2 })
  return {
    settings: services,
    sql,
    admin,
    open,
    async end() {
      await Promise.all([sql, admin].map((pool) => pool.end({ timeout: 1 })))
    },
  }
}
