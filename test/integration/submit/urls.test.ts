import { beforeAll, expect, test } from 'bun:test'
import { createTestDatabase } from '../../support/database.ts'
import fc from '../../support/property.ts'
import { compareIn, createAttempts } from './attempts.ts'

const { sql } = await createTestDatabase()
const compare = compareIn(sql)
beforeAll(() => createAttempts(sql))

/** URLs, or nearly. */
const urls = fc
  .array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom(
          ...'http: https: HTTP: ftp: // / \\ @ : [ ] ? # . .. % %41 %2e %00 %zz'.split(' '),
        ),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom(
          ...'a b.c localhost 1 0 255 256 0x7f 08 017 127.0.0.1 80 65535 65536 00080'.split(' '),
        ),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          ...'[::1] [::ffff:1.2.3.4] [1:2:3:4:5:6:7:8] [1::8] [::a1.2.3.4] :: 1.2.3 :: ffff'.split(' '),
        ),
      },
      {
        weight: 1,
        arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 2 }).filter((text) => !text.includes('\0')),
      },
    ),
    { maxLength: 7 },
  )
  .map((parts) => parts.join(''))

test('URLs are read as browsers read them', async () => {
  const given = fc
    .sample(
      fc
        .tuple(fc.constantFrom('', 'http:', 'http://', 'https://', 'http://[', 'http://1.'), urls)
        .map((parts) => parts.join('')),
      1500,
    )
    // What begins as a number of more than 32 bits and goes on as none is a name by the standard, though not here.
    .filter((url) => !/[\da-f]{9}/i.test(url))
  given.push(
    ...'4294967295 4294967296 0xffffffff 0x100000000 0377.1 0400.1 1.2.3.4.5 1.65536 1.65535 1..2 9.'
      .split(' ')
      .map((host) => `http://${host}/`),
  )
  const told = await compare(given.map((url) => `[{"executor":"http","command":${JSON.stringify(url)}}]`))
  expect(told.filter((text) => text === 'accepted').length).toBeGreaterThan(50)
})
