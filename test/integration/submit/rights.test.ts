import { afterAll, beforeAll, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { connect, type Sql } from '../../../src/shared/store/connect.ts'
import { createTestDatabase, testServer } from '../../support/database.ts'
import { poolSettings } from '../../support/server.ts'

const { sql, settings } = await createTestDatabase()
const role = `app_${randomBytes(6).toString('hex')}`
let app: Sql

beforeAll(async () => {
  await sql.unsafe(`CREATE ROLE ${role} LOGIN PASSWORD 'app'`)
  // What a role may do in a database on its own: make temporary tables and, until PostgreSQL 14, objects in public.
  await sql.unsafe(`GRANT TEMPORARY ON DATABASE ${settings.database} TO ${role}`)
  app = connect({ ...settings, user: role, password: 'app', poolMax: 1 })
})

afterAll(async () => {
  await app.end({ timeout: 1 })
  // Its rights go with the database, which is gone by now.
  const { template: _, ...server } = testServer()
  const admin = connect({ ...server, ...poolSettings, poolMax: 1 })
  await admin.unsafe(`DROP ROLE ${role}`)
  await admin.end()
})

const schema = async () => (await sql<{ schema: string }[]>`SELECT current_schema() AS schema`)[0]!.schema

const codeOf = async (run: PromiseLike<unknown>) => {
  try {
    await run
    return null
  } catch (error) {
    return (error as { code: string }).code
  }
}

/** Without the right, or without one to the schema, in which case nothing of it is found. */
const UNREACHABLE = ['42501', '42883']

test('a role may call none of it until it is allowed to submit, and then nothing but that', async () => {
  const names = await sql<{ name: string; args: string }[]>`
    SELECT p.proname AS name, p.oid::regprocedure::text AS args FROM pg_proc p
    WHERE p.pronamespace = current_schema()::regnamespace AND has_function_privilege(${role}, p.oid, 'EXECUTE')
      AND p.proname ~ '^(submi|allow_|utf16_|is_|read_|write_|refuse|canonical|json_number|.*_fault)' AND p.proname <> ALL('{is_held,is_ended,is_governed}')`
  expect([...names]).toEqual([])
  expect(await codeOf(app`SELECT submit('x')`)).toBeOneOf(UNREACHABLE)
  expect(await codeOf(app`SELECT submit_many('[{"command":"x"}]')`)).toBeOneOf(UNREACHABLE)
  expect(await codeOf(app`SELECT allow_submit(${role}::regrole)`)).toBeOneOf(UNREACHABLE)
  await sql`SELECT allow_submit(${role}::regrole)`
  const [one] = await app<{ id: string }[]>`SELECT submit('x', priority => 'HIGH') AS id`
  const [two] = await app<{ id: string }[]>`SELECT submit('x', priority => 5) AS id`
  const [many] = await app<{ ids: string[] }[]>`SELECT submit_many('[{"command":"x"}]') AS ids`
  const ids = [one!.id, two!.id, ...many!.ids]
  expect(await sql`SELECT FROM tasks WHERE id = ANY(${ids}::uuid[])`).toHaveLength(3)
  for (const statement of [
    'SELECT * FROM tasks',
    'DELETE FROM tasks',
    'SELECT * FROM submissions',
    'DELETE FROM submissions',
    "SELECT submit_tasks('{}', true)",
    "SELECT refuse('x', 'y')",
  ])
    expect(await codeOf(app.unsafe(statement))).toBe('42501')
})

test('no text of a caller is read as SQL', async () => {
  await sql`SELECT allow_submit(${role}::regrole)`
  const texts = [
    `'; DROP TABLE tasks; --`,
    `$$; DELETE FROM tasks; $$`,
    `x') ; SELECT pg_sleep(9) --`,
    `\\'; DROP TABLE tasks; --`,
    '%s %I %L %',
  ]
  for (const text of texts) {
    for (const setting of ['on', 'off']) {
      const stored = await app.begin(async (tx) => {
        await tx`SELECT set_config('backslash_quote', 'on', true)`
        // Before PostgreSQL 19.
        if (setting === 'off') await tx`SELECT set_config('standard_conforming_strings', 'off', true)`
        return await tx<{ id: string }[]>`
          SELECT submit(${text}, name => ${text}, description => ${text}, concurrency_key => ${text}, idempotency_key => ${text},
            payload => jsonb_build_object(${text}::text, ${text}::text)) AS id`
      })
      const [row] = await sql`SELECT command, name, payload FROM tasks WHERE id = ${stored[0]!.id}`
      expect(row).toEqual({ command: text, name: text, payload: { [text]: text } })
      expect(await codeOf(app`SELECT submit('x', executor => ${text})`)).toBe('22023')
      expect(await codeOf(app`SELECT submit('x', queue => ${text})`)).toBe('22023')
    }
  }
})

test('neither search_path nor temporary objects of a caller come between', async () => {
  await sql`SELECT allow_submit(${role}::regrole)`
  const home = await schema()
  const own = `own_${role}`
  await sql.unsafe(`CREATE SCHEMA ${own} AUTHORIZATION ${role}`)
  const traps = `
    CREATE TABLE ${own}.tasks (LIKE ${home}.tasks);
    CREATE FUNCTION ${own}.refuse(message text, field text) RETURNS void LANGUAGE sql AS 'SELECT 1/0';
    CREATE FUNCTION ${own}.submit_tasks(given jsonb, is_many boolean) RETURNS uuid[] LANGUAGE sql AS 'SELECT ARRAY[]::uuid[]';
    CREATE FUNCTION ${own}.jsonb_typeof(given jsonb) RETURNS text LANGUAGE sql AS $f$ SELECT current_user::text $f$;
    CREATE FUNCTION ${own}.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz';
    CREATE FUNCTION ${own}.is_less(a integer, b numeric) RETURNS boolean LANGUAGE sql AS 'SELECT true';
    CREATE OPERATOR ${own}.> (LEFTARG = integer, RIGHTARG = numeric, FUNCTION = ${own}.is_less);
    CREATE DOMAIN ${own}.text AS pg_catalog.text CHECK (VALUE = 'never');`
  // Not as its owner: LIKE needs a right that the role has not, nor shall have.
  await sql.unsafe(traps)
  const before = await sql<{ count: number }[]>`SELECT count(*) FROM tasks`
  const told = await app.begin(async (tx) => {
    await tx.unsafe(
      'CREATE TEMPORARY TABLE tasks (id uuid, idempotency_key text, request_hash text, state text)',
    )
    await tx.unsafe(
      "CREATE FUNCTION pg_temp.notify_hint(channel text, payload text) RETURNS void LANGUAGE sql AS 'SELECT 1/0'",
    )
    await tx.unsafe(`SET LOCAL search_path = pg_temp, ${own}, pg_catalog`)
    await tx.unsafe("SET LOCAL DateStyle = 'German'")
    await tx.unsafe("SET LOCAL TimeZone = 'Asia/Tokyo'")
    await tx.unsafe('SET LOCAL extra_float_digits = -15')
    await tx.unsafe('SET LOCAL transform_null_equals = on')
    const call = `SELECT ${home}.submit('x', run_at => '2030-01-01 09:00:00+09', idempotency_key => 'k', payload => '{"a": 0.1234567890123}') AS id`
    const [one] = await tx.unsafe(call)
    const [again] = await tx.unsafe(call)
    const [kept] = await tx.unsafe(
      "SELECT current_setting('search_path') AS path, (SELECT count(*) FROM pg_temp.tasks) AS count",
    )
    return { one: one?.id, again: again?.id, kept }
  })
  expect(told.again).toBe(told.one)
  expect({ ...told.kept }).toEqual({ path: `pg_temp, ${own}, pg_catalog`, count: 0 })
  const after = await sql<{ count: number }[]>`SELECT count(*) FROM tasks`
  expect(after[0]!.count).toBe(before[0]!.count + 1)
  const [row] =
    await sql`SELECT to_char(scheduled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS at FROM tasks WHERE id = ${told.one}`
  expect(row?.at).toBe('2030-01-01 00:00')
  await sql.unsafe(`DROP SCHEMA ${own} CASCADE`)
})

test('what has the rights of its owner has a fixed path that ends with pg_temp', async () => {
  const rows = await sql<{ name: string; path: string }[]>`
    SELECT p.oid::regprocedure::text AS name, (SELECT c FROM unnest(p.proconfig) AS c WHERE c LIKE 'search_path=%') AS path
    FROM pg_proc p WHERE p.prosecdef AND p.pronamespace = current_schema()::regnamespace`
  expect(rows.map(({ name }) => name.split('(')[0]).sort()).toEqual([
    'store_submissions',
    'submit',
    'submit',
    'submit_many',
  ])
  expect(new Set(rows.map(({ path }) => path))).toEqual(
    new Set([`search_path=pg_catalog, ${await schema()}, pg_temp`]),
  )
})
