import type { DatabaseSettings } from '../../src/shared/store/connect.ts'

/** The server that `bun run test` started, and the migrated database that each test's own is cloned from. */
export type TestServer = Pick<DatabaseSettings, 'host' | 'port' | 'user' | 'password' | 'database'> & {
  template: string
}

/** Pool settings for tests; spread after a server's. */
export const poolSettings = {
  poolMax: 10,
  connectTimeoutMs: 5000,
  idleTimeoutMs: 30_000,
  statementTimeoutMs: 30_000,
  applicationName: 'test',
}
