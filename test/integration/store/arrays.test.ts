import { expect, test } from 'bun:test'
import { createTestDatabase } from '../../support/database.ts'

test('arrays of every type that we use are written and read as they are', async () => {
  const { sql } = await createTestDatabase()
  const at = new Date('2026-01-02T03:04:05.678Z')
  const id = crypto.randomUUID()
  const texts = ['', 'a "b" \\ c', 'NULL', 'x,y', '{z}', 'ü😀\n']
  const [row] = await sql`
    SELECT ${texts}::text[] AS texts, ${[1, -2]}::int[] AS ints, ${[1, 2]}::smallint[] AS smalls,
      ${[2 ** 40]}::bigint[] AS bigs, ${[0.5, 1e-9]}::float8[] AS floats, ${[id, null]}::uuid[] AS ids,
      ${[at.toISOString()]}::timestamptz[] AS times, ARRAY[true, false] AS booleans, ${[]}::text[] AS none,
      ARRAY[jsonb_build_object('a', 12345678901234567)] AS documents, ARRAY['pg_class'::regclass] AS tables`
  expect(row).toMatchObject({
    ...{ texts, ints: [1, -2], smalls: [1, 2], bigs: [2 ** 40], floats: [0.5, 1e-9], ids: [id, null] },
    ...{ times: [at], booleans: [true, false], none: [], tables: ['pg_class'] },
  })
  expect(JSON.stringify(row!.documents)).toContain('"a"')
})
