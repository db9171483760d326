import { AppError } from '../core/error.ts'
import type { databaseSettings, readSettings } from '../settings.ts'
import type { DatabaseSettings } from './connect.ts'

type Values = ReturnType<typeof readSettings<typeof databaseSettings>>

/** Connection settings from `DATABASE_URL`, or from the `POSTGRES_*` parts when it is unset. */
export function databaseConfig(values: Values, applicationName: string): DatabaseSettings {
  const pool = {
    poolMax: values.DB_POOL_MAX,
    connectTimeoutMs: values.DB_CONNECT_TIMEOUT,
    idleTimeoutMs: values.DB_IDLE_TIMEOUT,
    statementTimeoutMs: values.DB_STATEMENT_TIMEOUT,
    applicationName,
    schema: values.DB_SCHEMA,
  }
  if (!values.DATABASE_URL) {
    return {
      host: values.POSTGRES_HOST,
      port: values.POSTGRES_PORT,
      user: values.POSTGRES_USER,
      password: values.POSTGRES_PASSWORD,
      database: values.POSTGRES_DB,
      ...pool,
    }
  }
  const url = URL.parse(values.DATABASE_URL)
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) throw wrongUrl()
  return {
    host: url.hostname || 'localhost',
    port: Number(url.port || 5432),
    user: decoded(url.username || 'postgres'),
    password: decoded(url.password),
    database: decoded(url.pathname.slice(1) || url.username || 'postgres'),
    ...pool,
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw wrongUrl() // a % that begins no escape
  }
}

const wrongUrl = () =>
  new AppError(
    'invalid',
    'Wrong settings: DATABASE_URL must look like postgres://user:password@host:5432/database',
  )
