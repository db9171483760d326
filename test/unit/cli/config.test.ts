import { describe, expect, test } from 'bun:test'
import { readConfig } from '../../../src/cli/up/config.ts'
import { coordinatorEnv, schedulerEnv, workerEnv } from '../../../src/cli/up/environment.ts'

const database = {
  ...readConfig({}, []).pool,
  host: 'db',
  port: 6543,
  user: 'u',
  password: 'p/+',
  database: 'd',
}
const at = { host: '127.0.0.1', port: 1234 }

describe('the database', () => {
  test('is our own when nothing names one', () => {
    expect(readConfig({ DB_POOL_MAX: '5' }, []).database).toBeNull()
  })

  test.each([
    [
      { DATABASE_URL: 'postgres://u:p%2F@h:1/d' },
      { host: 'h', port: 1, user: 'u', password: 'p/', database: 'd' },
    ],
    [{ POSTGRES_HOST: 'h' }, { host: 'h', port: 5432, user: 'postgres', database: 'postgres' }],
    [{ POSTGRES_DB: 'd' }, { host: 'localhost', database: 'd' }],
  ])('is the one that %j names', (env, settings) => {
    expect(readConfig(env, []).database).toMatchObject(settings)
  })

  test('is our own when the variables are set but empty', () => {
    expect(readConfig({ DATABASE_URL: '', POSTGRES_HOST: '' }, []).database).toBeNull()
  })
})

test('a flag wins over the variable of its name', () => {
  const config = readConfig({ WORKERS: '5', SCHEDULER_PORT: ':9000' }, ['--workers=7'])
  expect(config).toMatchObject({ workers: 7, scheduler: { port: 9000 } })
})

test('--verbose and --watch take no value, --folder does', () => {
  const config = readConfig({}, ['--verbose', '--folder', '/tmp/x', '--watch'])
  expect(config).toMatchObject({ verbose: true, watch: true, folder: '/tmp/x' })
})

test('an unknown flag is refused', () => {
  expect(() => readConfig({}, ['--wrokers', '3'])).toThrow('unknown flag --wrokers')
})

test('services are given their settings from flags and environment, and where the others are', () => {
  const config = readConfig({ HEARTBEAT_INTERVAL: '1000' }, ['--scan-interval', '500'])
  const found = {
    HEARTBEAT_INTERVAL: '1000',
    SCAN_INTERVAL: '500',
    POSTGRES_HOST: 'db',
    POSTGRES_PASSWORD: 'p/+',
  }
  expect(coordinatorEnv(config, database, at)).toMatchObject({ ...found, COORDINATOR_PORT: '1234' })
  expect(schedulerEnv(config, database, at, at)).toMatchObject({
    ...found,
    COORDINATOR_ADDRESS: 'localhost:1234',
  })
})

test('a worker is given no way into the database', () => {
  const env = {
    DATABASE_URL: 'postgres://u:p@h/d',
    POSTGRES_PASSWORD: 'p',
    WORKER_PORT: '99',
    COORDINATOR: 'x:1',
  }
  const given = workerEnv(readConfig(env, []), 'worker-1', { host: '0.0.0.0', port: 1 })
  expect(given).toEqual({
    LOG_LEVEL: 'info',
    WORKER_NAME: 'worker-1',
    WORKER_PORT: '99',
    COORDINATOR_ADDRESS: 'localhost:1',
  })
})

test('services log what the launcher waits for, however little of it is shown', () => {
  expect(coordinatorEnv(readConfig({ LOG_LEVEL: 'error' }, []), database, at).LOG_LEVEL).toBe('info')
  expect(coordinatorEnv(readConfig({ LOG_LEVEL: 'debug' }, []), database, at).LOG_LEVEL).toBe('debug')
})
