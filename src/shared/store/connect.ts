import postgres from 'postgres'
import { parseExact } from '../core/exact-json.ts'
import { arrayTypes } from './arrays.ts'
import { createPool } from './pool.ts'
import { DEFAULT_SCHEMA, quoted } from './schema.ts'
import { SESSION_SETTINGS } from './session.ts'

export interface DatabaseSettings {
  /** Connection fields apart, never a URL: a password with `/` or `+` breaks one. */
  host: string
  port: number
  user: string
  password: string
  database: string
  /** The schema that all tables are in; default DEFAULT_SCHEMA. */
  schema?: string
  /** Connections of the pool. */
  poolMax: number
  connectTimeoutMs: number
  idleTimeoutMs: number
  /** ms after which the server gives a statement up. */
  statementTimeoutMs: number
  /** Shown in pg_stat_activity. */
  applicationName: string
}

/** How much longer than the server's statement_timeout an answer may take, in ms. */
const ANSWER_MARGIN_MS = 2000

const types = {
  bigint: { to: 20, from: [20], parse: Number, serialize: String },
  // jsonb keeps every digit of a number, and so do we.
  json: {
    to: 114,
    from: [114, 3802],
    parse: parseExact,
    serialize: (value: unknown) => JSON.stringify(value),
  },
}
export type Sql = postgres.Sql<{ bigint: number }>

/** A pool of connections that reconnects by itself; its sessions are set as SESSION_SETTINGS says. */
export function connect(settings: DatabaseSettings): Sql {
  const openAs = (poolMax = settings.poolMax) => open({ ...settings, poolMax })
  return createPool(openAs, settings.statementTimeoutMs + ANSWER_MARGIN_MS)
}

function open(settings: DatabaseSettings): Sql {
  return postgres({
    host: settings.host,
    port: settings.port,
    user: settings.user,
    password: settings.password,
    database: settings.database,
    max: settings.poolMax,
    connect_timeout: settings.connectTimeoutMs / 1000,
    idle_timeout: settings.idleTimeoutMs / 1000,
    max_lifetime: null,
    keep_alive: 10,
    backoff: (tries: number) => Math.min(2 ** tries * 0.05, 1) * (0.5 + Math.random() / 2),
    onnotice: () => {},
    fetch_types: false,
    types: { ...types, ...arrayTypes } as typeof types,
    connection: {
      application_name: settings.applicationName,
      statement_timeout: settings.statementTimeoutMs,
      idle_in_transaction_session_timeout: settings.statementTimeoutMs,
      // As texts: the driver leaves out what is 0 or false.
      ...(SESSION_SETTINGS as Record<string, string>),
      // Nothing of others is found, whatever it is called.
      search_path: quoted(settings.schema ?? DEFAULT_SCHEMA),
    },
  })
}

/** Resolves when the database answers. */
export async function ping(sql: Sql): Promise<void> {
  await sql`SELECT 1`
}

/**
 * Waits until the database answers.
 *
 * @param tries how many times to try
 * @param pauseMs ms between two tries
 * @param onFailure told of each failed try
 * @throws the last error when none succeeded
 */
export async function waitForDatabase(
  sql: Sql,
  tries: number,
  pauseMs: number,
  onFailure: (error: unknown) => void,
): Promise<void> {
  for (let left = tries; ; left--) {
    try {
      await ping(sql)
      return
    } catch (error) {
      if (left <= 1) throw error
      onFailure(error)
      await Bun.sleep(pauseMs)
    }
  }
}
