import { beforeAll, expect, test } from 'bun:test'
import { createTestDatabase } from '../../support/database.ts'
import { compareIn, createAttempts } from './attempts.ts'

const { sql } = await createTestDatabase()
const compare = compareIn(sql)
beforeAll(() => createAttempts(sql))

/** JSON texts of values of every type, and at the edges of most. */
const ANYTHING = [
  ...[
    'null',
    'true',
    'false',
    '0',
    '-0',
    '1',
    '-1',
    '1.5',
    '1.0',
    '1e2',
    '0.1',
    '99',
    '100',
    '101',
    '599',
    '600',
  ],
  ...[
    '5',
    '6',
    '1024',
    '1024.5',
    '0.01',
    '0.009',
    '1048576',
    '1048577',
    '32767',
    '32768',
    '-32768',
    '-32769',
  ],
  ...[
    '2147483647',
    '2147483648',
    '3153600000',
    '3153600000.5',
    '3153600001',
    '9007199254740991',
    '1e21',
    '1e-7',
  ],
  ...[
    '9007199254740993',
    '9007199254740992',
    '1e400',
    '-1e400',
    '1e-400',
    '5e-324',
    '3e-324',
    '1.7976931348623157e308',
  ],
  ...[
    '1.7976931348623159e308',
    '0.1000000000000000055',
    '1.00000000000000000000',
    '123456789012345678901234567890',
    '0.30000000000000004',
  ],
  ...[
    '""',
    '" "',
    '"x"',
    '"-x"',
    '"x y"',
    '"x.y_z:0=-"',
    '"ü"',
    '"LOW"',
    '"critical"',
    '"crıtical"',
    '"HIGHEST"',
    '"5"',
  ],
  ...[
    '"simulate"',
    '"shell"',
    '"http"',
    '"function"',
    '"python"',
    '"Shell"',
    '"fail"',
    '"skip"',
    '"continue"',
    '"a\\nb"',
  ],
  ...[
    '[]',
    '[null]',
    '["a"]',
    '["a","b","a"]',
    '["a",""]',
    '["a",5]',
    '["-"]',
    '[[]]',
    '{}',
    '{"a":1}',
    '[{"":null}]',
  ],
  JSON.stringify(Array.from({ length: 20 }, (_, index) => `l${index}`)),
  JSON.stringify(Array.from({ length: 21 }, (_, index) => `l${index}`)),
  JSON.stringify([...Array.from({ length: 21 }, (_, index) => `l${index}`), '-']),
  JSON.stringify(Array.from({ length: 101 }, () => crypto.randomUUID())),
  JSON.stringify([...Array.from({ length: 101 }, () => crypto.randomUUID()), 7]),
  '["0190f5a0-7c1e-7d5a-9c3b-1f2e3d4c5b6"]',
  '["0190f5a0-7c1e-7d5a-9c3b-1f2e3d4c5b6g"]',
  ...[99, 100, 101, 255, 256].map((size) => JSON.stringify('x'.repeat(size))),
  ...[50, 51, 100, 101, 127, 128, 255, 256].map((size) => JSON.stringify('𝒳'.repeat(size))),
  ...[32, 33, 40, 500].flatMap((depth) => [
    '['.repeat(depth) + ']'.repeat(depth),
    `${'{"a":'.repeat(depth)}null${'}'.repeat(depth)}`,
  ]),
  ...[
    '2030-01-01T00:00:00Z',
    '2030-01-01t00:00z',
    '2030-01-01T00:00:00.123456789+23:59',
    '2030-01-01T00:00:00,5-0030',
  ].map(quote),
  ...[
    '2030-01-01',
    '2030-02-29T00:00Z',
    '2028-02-29T00:00Z',
    '2030-13-01T00:00Z',
    '2030-00-01T00:00Z',
    '2030-01-00T00:00Z',
  ].map(quote),
  ...[
    '2030-01-32T00:00Z',
    '2030-01-01T24:00Z',
    '2030-01-01T00:60Z',
    '2030-01-01T00:00:60Z',
    '2030-01-01T00:00+24:00',
  ].map(quote),
  ...[
    '1969-12-31T23:59:59.999Z',
    '1970-01-01T00:00Z',
    '1969-12-31T23:00-01:00',
    '1970-01-01T00:00+00:01',
    '0000-01-01T00:00Z',
  ].map(quote),
  ...[
    '9999-12-31T23:59:59.999Z',
    '9999-12-31T23:59:00-00:01',
    '9999-12-31T23:59:59.9999999Z',
    '2030-01-01T00:00:00+1',
    'tomorrow',
  ].map(quote),
]

/** At the edge of what long fields may be. */
const LARGE = [
  ...[10_000, 10_001, 65_536, 65_537].flatMap((size) => [
    JSON.stringify('x'.repeat(size)),
    JSON.stringify('𝒳'.repeat(size)),
  ]),
  ...[262_141, 262_142, 262_143].map((size) => JSON.stringify(`${'x'.repeat(size - 1)}ü`)),
  ...[24_965, 24_967].map((count) => `[${Array(count).fill('1.25e-101').join(',')},9]`),
]

function quote(text: string) {
  return JSON.stringify(text)
}

const FIELDS =
  'command delay_seconds name description priority executor payload max_retries retry_backoff_ms retry_backoff_cap_ms timeout_ms cancel_grace_ms queue concurrency_key labels on_parent_failure idempotency_key scheduled_at unknown'.split(
    ' ',
  )

test('each field of a task takes and refuses the same in SQL as in REST, with the same words', async () => {
  const given = FIELDS.flatMap((field) => ANYTHING.map((value) => `[{"command":"x","${field}":${value}}]`))
  for (const field of ['command', 'description', 'payload', 'unknown'])
    given.push(...LARGE.map((value) => `[{"command":"x","${field}":${value}}]`))
  const told = await compare(given)
  expect(told.filter((text) => text === 'accepted').length).toBeWithin(200, given.length - 200)
})

test('depends_on refuses the same', async () => {
  const wrong = ANYTHING.filter((value) => !/^(null|\[\])$/.test(value))
  await compare(wrong.map((value) => `[{"command":"x","depends_on":${value}}]`))
})

test('payloads of every executor are checked alike', async () => {
  const fields = {
    shell: ['env', 'memory_mb', 'cpus', 'send_parents', 'body', 'url'],
    http: 'url method headers expect_status timeout_ms max_redirects send_parents body env'.split(' '),
  }
  const values = [
    ...ANYTHING.filter((value) => value.length < 400),
    ...[
      'GET',
      'HEAD',
      'POST',
      'PUT',
      'get',
      'TRACE',
      '2xx',
      '6xx',
      '2XX',
      'http://a',
      'ftp://a',
      'http://u:p@a',
    ].map(quote),
    ...['["2xx",404]', '["2xx",4]', '[200.0]', '[""]'],
    ...[
      'A',
      '_a1',
      'TASKMASTER_X',
      'A B',
      '',
      'ü',
      '1',
      'X-A',
      'Host',
      'proxy-x',
      'PROXY-',
      'te',
      'tea',
      'x:y',
      `${'n'.repeat(99)}𝒳`,
    ].flatMap((name) => [
      `{${quote(name)}:"x"}`,
      `{${quote(name)}:5}`,
      `{${quote(name)}:"a\\r\\nb"}`,
      `{${quote(name)}:null}`,
    ]),
  ]
  const given = Object.entries(fields).flatMap(([executor, names]) =>
    names.flatMap((name) =>
      values.flatMap((value) => [
        `[{"command":"http://a","executor":"${executor}","payload":{"${name}":${value}}}]`,
        `[{"command":"a","executor":"${executor}","payload":{"${name}":${value},"method":"GET","body":[],"send_parents":${name === 'body'}}}]`,
      ]),
    ),
  )
  await compare(given)
  await compare(
    ['x', '', ' ', 'a b', 'send-email', 'a:b', '.a', 'a'.repeat(100), 'a'.repeat(101), 'a\n'].map(
      (command) => `[{"executor":"function","command":${quote(command)}}]`,
    ),
  )
})

test('what is no task, or too many of them, is refused alike', async () => {
  const one = '{"command":"x"}'
  const told = await compare([
    ...[
      '[]',
      '[1]',
      '[null]',
      '["x"]',
      '[[]]',
      '[{}]',
      `[${one},7]`,
      `[${one},{"command":5}]`,
      '{}',
      '"x"',
      '7',
    ],
    `[${Array(10_001).fill(one).join(',')}]`,
    '[{"command":"x","delay_seconds":5,"scheduled_at":"2030-01-01T00:00Z"}]',
    '[{"command":"x","delay_seconds":0,"scheduled_at":"2030-01-01T00:00Z"}]',
    '[{"command":"x","delay_seconds":5,"scheduled_at":"2030-01-01T00:00Z","executor":"http"}]',
    `[${one},{"command":"x","payload":{"a":[0,{"b c":9007199254740993}]}}]`,
    `[{"priority":"none"},{"a":[[9007199254740993]]}]`,
    `[{"command":"x","payload":{"${'k'.repeat(150)}":{"${'l'.repeat(90)}":{"m":[9007199254740993]}}}}]`,
  ])
  expect(told).toContain('tasks must be an array of 1 to 10000 tasks')
})
