import type { Sql } from '../../shared/store/connect.ts'
import type { WideFault } from './faults.ts'
import type { RestartableServer } from './server.ts'
import type { DatabaseTrouble } from './sqlstates.ts'
import { SERVICES, type Store } from './store.ts'

/** Ends a fault; resolves when it is over for certain. */
export type Lift = () => Promise<void>

/** How long a change of the schema waits for a lock before it lets others pass and tries again, in ms. */
const LOCK_MS = 500
const PAUSE_MS = 200
/** For a database that restarts meanwhile. */
const LIMIT_MS = 60_000

/** Fails what the trouble says until it is lifted. */
export async function failStatements({ sql, admin }: Store, trouble: DatabaseTrouble): Promise<Lift> {
  switch (trouble.what) {
    case 'owner':
      await persevere(sql, 'ALTER TABLE task_records OWNER TO postgres')
      return () => persevere(sql, `ALTER TABLE task_records OWNER TO ${SERVICES.role}`)
    case 'role':
      await persevere(admin, `ALTER ROLE ${SERVICES.role} NOLOGIN`)
      await persevere(admin, `${END_CONNECTIONS} AND usename = '${SERVICES.role}'`)
      return () => persevere(admin, `ALTER ROLE ${SERVICES.role} LOGIN`)
    case 'database':
      await persevere(admin, `ALTER DATABASE ${SERVICES.database} ALLOW_CONNECTIONS false`)
      await persevere(admin, END_CONNECTIONS)
      await persevere(admin, `ALTER DATABASE ${SERVICES.database} RENAME TO ${AWAY}`)
      return async () => {
        await persevere(admin, `ALTER DATABASE ${AWAY} RENAME TO ${SERVICES.database}`)
        await persevere(admin, `ALTER DATABASE ${SERVICES.database} ALLOW_CONNECTIONS true`)
      }
    default: {
      const { table, when } = TRIGGERS[trouble.what]
      await persevere(
        sql,
        `CREATE OR REPLACE FUNCTION chaos_fail() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'made to fail' USING ERRCODE = '${trouble.sqlstate}'; END $$`,
      )
      await persevere(
        sql,
        `CREATE OR REPLACE TRIGGER chaos_fail BEFORE ${when} EXECUTE FUNCTION chaos_fail()`,
      )
      return () => persevere(sql, `DROP TRIGGER IF EXISTS chaos_fail ON ${table}`)
    }
  }
}

const AWAY = `${SERVICES.database}_away`
const END_CONNECTIONS = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${SERVICES.database}'`

/** One that is being opened has no name yet, and may be ours. */
const END_SERVICES = `${END_CONNECTIONS} AND application_name LIKE 'taskmaster-%' AND application_name <> 'taskmaster-chaos'`

const TRIGGERS = {
  updates: { table: 'held', when: 'INSERT OR UPDATE OR DELETE ON held FOR EACH STATEMENT' },
  outputs: {
    table: 'task_records',
    when: 'UPDATE ON task_records FOR EACH ROW WHEN (NEW.output IS NOT NULL)',
  },
  inserts: { table: 'task_records', when: 'INSERT ON task_records FOR EACH STATEMENT' },
  workers: { table: 'workers', when: 'INSERT OR UPDATE ON workers FOR EACH STATEMENT' },
  logs: { table: 'task_logs', when: 'INSERT ON task_logs FOR EACH STATEMENT' },
} as const

/** Executes a statement that changes the schema, as often as it takes, without others having to queue behind it. */
async function persevere(sql: Sql, statement: string): Promise<void> {
  const deadline = performance.now() + LIMIT_MS
  for (;;) {
    try {
      await sql.unsafe(`SET lock_timeout = ${LOCK_MS}; ${statement}; RESET lock_timeout`)
      return
    } catch (error) {
      if (performance.now() > deadline) throw error
      await Bun.sleep(PAUSE_MS)
    }
  }
}

/** Stops the server where it is. */
export async function freezeDatabase(server: RestartableServer): Promise<Lift> {
  await server.freeze()
  return async () => server.thaw()
}

/** Fills the notification queue of the whole server, which cannot be emptied while a session elsewhere has not read it. */
export async function fillNotifyQueue(store: Store): Promise<Lift> {
  const reader = store.open({ database: 'other', as: 'superuser' })
  const writer = store.open({ database: 'other', as: 'superuser' })
  const leave = async () => {
    await Promise.all([reader, writer].map(endPool))
  }
  try {
    await reader.unsafe('SET idle_in_transaction_session_timeout = 0')
    await reader.unsafe('LISTEN chaos')
    await reader.unsafe('BEGIN')
    await reader.unsafe('SELECT txid_current()')
    for (;;)
      await writer.unsafe("SELECT pg_notify('chaos', repeat('x', 7900) || n) FROM generate_series(1, 8) AS n")
  } catch (error) {
    if ((error as { code?: unknown }).code === QUEUE_FULL) return leave
    await leave()
    throw error
  }
}

const QUEUE_FULL = '54000'

/** Leaves a transaction open that has an id and a snapshot, in the services' database. */
export async function leaveTransactionOpen(store: Store): Promise<Lift> {
  const sql = store.open({ database: 'services', as: 'superuser' })
  await sql.unsafe('SET idle_in_transaction_session_timeout = 0')
  await sql.unsafe('BEGIN ISOLATION LEVEL REPEATABLE READ')
  await sql.unsafe('SELECT txid_current()')
  return () => endPool(sql)
}

/** How many connections are opened side by side. */
const SIDE_BY_SIDE = 20
/** How long opening them may take, in ms. */
const OPENING_MS = 10_000

/**
 * Opens so many connections, or as many as there are, and keeps them. When none is left, the services lose theirs, as
 * to a firewall that cuts what has been idle.
 */
export async function holdConnections(store: Store, count: number): Promise<Lift> {
  const pools: Sql[] = []
  let lifted = false
  let isFull = false
  const struck = Promise.withResolvers<void>()
  async function open() {
    while (!lifted && pools.length < count) {
      const pool = store.open({ database: 'services', as: 'services' })
      pools.push(pool)
      try {
        await pool.unsafe('SELECT 1')
      } catch {
        // None is left. One may be at any time, and is to be ours.
        if (!isFull) {
          isFull = true
          await store.admin.unsafe(END_SERVICES).catch(() => {})
          struck.resolve()
        }
        pools.splice(pools.indexOf(pool), 1)
        void endPool(pool)
        await Bun.sleep(PAUSE_MS)
      }
    }
    struck.resolve()
  }
  const opening = Array.from({ length: SIDE_BY_SIDE }, open)
  await Promise.race([struck.promise, Bun.sleep(OPENING_MS)])
  return async () => {
    lifted = true
    // A connection that is ended while it opens may never say so.
    await Promise.race([Promise.all(opening), Bun.sleep(OPENING_MS)])
    await Promise.all(pools.map(endPool))
  }
}

/** Ends a pool whose connections may have been cut: the driver does not always notice. */
async function endPool(pool: Sql): Promise<void> {
  await Promise.race([pool.end({ timeout: 0 }).catch(() => {}), Bun.sleep(END_LIMIT_MS)])
}

const END_LIMIT_MS = 2000

export type DatabaseFault = Exclude<WideFault, { kind: 'restart-draining' }>

export function strikeDatabase(fault: DatabaseFault, store: Store, server: RestartableServer): Promise<Lift> {
  switch (fault.kind) {
    case 'database-errors':
      return failStatements(store, fault.trouble)
    case 'frozen-database':
      return freezeDatabase(server)
    case 'notify-queue-full':
      return fillNotifyQueue(store)
    case 'idle-transaction':
      return leaveTransactionOpen(store)
    case 'idle-connections':
      return holdConnections(store, fault.count)
  }
}
