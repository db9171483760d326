import { expect, test } from 'bun:test'
import { readConfig as readCoordinator } from '../../../src/coordinator/config.ts'
import {
  databaseSettings,
  duration,
  integer,
  list,
  oneOf,
  optionalText,
  port,
  readSettings,
  text,
} from '../../../src/shared/settings.ts'
import { databaseConfig } from '../../../src/shared/store/config.ts'
import { readConfig as readWorker } from '../../../src/worker/config.ts'
import fc from '../../support/property.ts'

const SPEC = {
  NAME: text('x'),
  HTTP_PORT: port(8081),
  COUNT: integer(3, 1, 10),
  LEVEL: oneOf('low', ['low', 'high']),
}

test('what is not set has its default, and so has what is set to nothing', () => {
  expect(readSettings(SPEC, { NAME: '', HTTP_PORT: '' })).toEqual({
    NAME: 'x',
    HTTP_PORT: 8081,
    COUNT: 3,
    LEVEL: 'low',
  })
})

test('a flag wins over the variable of the same name, written either way', () => {
  const env = { HTTP_PORT: '1', COUNT: '2' }
  expect(readSettings(SPEC, env, ['--http-port', '5', '--count=7'])).toMatchObject({ HTTP_PORT: 5, COUNT: 7 })
})

test('all faults are reported together, each with the name of its setting', () => {
  const read = () =>
    readSettings(SPEC, { HTTP_PORT: '70000', COUNT: 'ten', LEVEL: 'middle' }, ['--colour=red', '--name'])
  expect(read).toThrow(
    'Wrong settings: unknown flag --colour; --name needs a value; ' +
      'HTTP_PORT must be a whole number from 0 to 65535, not "70000"; ' +
      'COUNT must be a whole number from 1 to 10, not "ten"; LEVEL must be one of low, high, not "middle"',
  )
})

test('a port is written with or without a colon', () => {
  for (const given of ['8081', ':8081']) expect(port(0).read(given)).toBe(8081)
  for (const given of ['::8081', '80 81', '-1', '65536', 'localhost:8081']) {
    expect(() => port(0).read(given)).toThrow('whole number')
  }
})

test('a whole number is read as itself, and nothing else as a number', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1000, max: 1000 }), (n) => {
      expect(integer(0, -1000, 1000).read(String(n))).toBe(n)
    }),
  )
  for (const given of [
    '',
    ' ',
    '1.5',
    '1e3',
    '0x10',
    'NaN',
    'Infinity',
    '5 ms',
    '٣',
    '1001',
    '9'.repeat(400),
  ]) {
    expect(() => integer(0, 0, 1000).read(given)).toThrow('whole number')
  }
})

test('a duration of zero is refused unless it makes sense', () => {
  expect(() => duration(5000).read('0')).toThrow('from 1 to')
  expect(duration(5000, 0).read('0')).toBe(0)
})

test('a list is split at commas, without its blanks', () => {
  expect(list([]).read(' a, b,,c ,')).toEqual(['a', 'b', 'c'])
  expect(list(['d']).read(null)).toEqual(['d'])
})

test('words are known in any case', () => {
  expect(oneOf('info', ['info', 'warn']).read('WARN')).toBe('warn')
})

test('what was read cannot be changed', () => {
  expect(Object.isFrozen(readSettings({ A: optionalText() }, { A: 'a' }))).toBe(true)
})

test('the parts of a database URL are decoded, and win over the single settings', () => {
  const env = { DATABASE_URL: 'postgres://us%40er:p%2Fa%2Bs@db:6432/na%20me', POSTGRES_HOST: 'elsewhere' }
  expect(databaseConfig(readSettings(databaseSettings, env), 'test')).toMatchObject({
    host: 'db',
    port: 6432,
    user: 'us@er',
    password: 'p/a+s',
    database: 'na me',
    applicationName: 'test',
  })
})

test('without a URL the single settings are used, with their defaults', () => {
  const settings = readSettings(databaseSettings, { POSTGRES_PASSWORD: 'p/a+s' })
  expect(databaseConfig(settings, 'test')).toMatchObject({ host: 'localhost', port: 5432, password: 'p/a+s' })
})

test('a database URL of another kind, or one that is none, is refused by name', () => {
  for (const DATABASE_URL of ['mysql://u:p@h/d', 'localhost:5432', 'postgres']) {
    expect(() => databaseConfig(readSettings(databaseSettings, { DATABASE_URL }), 'test')).toThrow(
      'DATABASE_URL',
    )
  }
})

test('a malformed escape in a database URL is a wrong setting, not a crash', () => {
  const settings = readSettings(databaseSettings, { DATABASE_URL: 'postgres://u:100%@h/d' })
  expect(() => databaseConfig(settings, 'test')).toThrow('DATABASE_URL')
})

test('a coordinator takes a worker for gone after so many missed heartbeats', () => {
  const config = readCoordinator({ HEARTBEAT_INTERVAL: '200', MAX_HEARTBEAT_MISSES: '4' }, [])
  expect(config).toMatchObject({ port: 8080, silenceMs: 800, scanIntervalMs: 10_000, lookAheadMs: 30_000 })
})

test('a worker tries all the coordinators it is given, by either name', () => {
  expect(readWorker({ COORDINATOR_ADDRESS: 'a:1, b:2', COORDINATOR: 'c:3' }, []).coordinators).toEqual([
    'a:1',
    'b:2',
    'c:3',
  ])
  expect(readWorker({}, []).coordinators).toEqual(['localhost:8080'])
})
