import { expect, test } from 'bun:test'
import { connect, type DatabaseSettings, type Sql } from '../../src/shared/store/connect.ts'
import { grantToRole, migrate, printMigration } from '../../src/shared/store/migrate.ts'
import { insertTasks } from '../../src/shared/store/tasks.ts'
import { createTestDatabase, databaseEnv } from '../support/database.ts'
import { startService } from '../support/processes.ts'
import { newTask } from '../support/store.ts'
import { startSystem } from '../support/system.ts'
import { run } from '../support/up.ts'
import { waitFor } from '../support/wait.ts'

/** A pool on another schema of the same database, which ends with the test. */
function open(settings: DatabaseSettings, more: Partial<DatabaseSettings>): Sql & AsyncDisposable {
  const sql = connect({ ...settings, poolMax: 2, ...more })
  return Object.assign(sql, { [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) })
}

test('in a database that others use, tables of theirs with the same names are left alone', async () => {
  const { settings, sql } = await createTestDatabase()
  await sql`DROP SCHEMA taskmaster CASCADE`
  for (const table of ['tasks', 'workers', 'queues', 'schema_migrations'])
    await sql.unsafe(`CREATE TABLE public.${table} (mine text); INSERT INTO public.${table} VALUES ('mine')`)
  await using own = open(settings, { schema: 'jobs' })
  const system = await startSystem({
    workers: ['worker-1'],
    env: { DB_SCHEMA: 'jobs' },
    database: { settings, sql: own },
  })
  const id = await system.submit()
  expect((await system.ended([id]))[0]).toMatchObject({ state: 'completed' })
  // By hand, from a session that has another search path.
  await using theirs = open(settings, { schema: 'public' })
  const [byHand] = await theirs<
    { id: string }[]
  >`INSERT INTO jobs.tasks (command) VALUES ('by hand') RETURNING id`
  expect((await system.ended([byHand!.id]))[0]).toMatchObject({ state: 'completed' })
  // Ids are in the order of time, whoever makes them.
  expect(byHand!.id > id).toBe(true)
  await system.get('/readyz')
  for (const table of ['tasks', 'workers', 'queues', 'schema_migrations'])
    expect((await sql.unsafe(`SELECT * FROM public.${table}`)).map(({ mine }) => mine)).toEqual(['mine'])
  const [others] = await sql`
    SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relname <> ALL('{tasks,workers,queues,schema_migrations}')`
  expect(others!.count).toBe(0)
})

test('services run as a role that may create nothing, and say what to do when migrations are missing', async () => {
  const { settings, sql } = await createTestDatabase()
  const role = `limited_${Bun.randomUUIDv7().replaceAll('-', '').slice(-12)}`
  await sql.unsafe(`CREATE ROLE ${role} LOGIN PASSWORD 'x'; REVOKE ALL ON SCHEMA public FROM PUBLIC`)
  try {
    const limited = { ...settings, user: role, password: 'x' }
    const refused = await startService(
      'coordinator',
      { ...databaseEnv(limited), DB_SCHEMA: 'elsewhere' },
      { untilReady: false },
    )
    expect(await refused.exited).toBe(1)
    expect(Bun.inspect(refused.logs)).toContain('run `taskmaster migrate` as the owner')

    await grantToRole(sql, role)
    await using own = open(limited, {})
    const code = (statement: string) => own.unsafe(statement).then(String, (error) => error.code)
    expect(await code('CREATE TABLE taskmaster.more ()')).toBe('42501')
    expect(await code('CREATE SCHEMA more')).toBe('42501')
    const system = await startSystem({ workers: ['worker-1'], database: { settings: limited, sql } })
    const failing = await system.submit({ max_retries: 1, command: 'fail', payload: { fail: true } })
    const id = await system.submit()
    expect((await system.ended([id, failing]))[0]).toMatchObject({ state: 'completed' })
    await expect(grantToRole(sql, "no'body")).rejects.toThrow("There is no role named no'body")
  } finally {
    await sql.unsafe(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
  }
})

test('two schemas of one database do not wake each other', async () => {
  const { settings, sql } = await createTestDatabase()
  await using other = open(settings, { schema: 'other' })
  await migrate(other)
  const heard: string[] = []
  for (const [pool, name] of [
    [sql, 'taskmaster'],
    [other, 'other'],
  ] as const)
    await pool.listen(`${name}_due`, () => heard.push(name))
  await insertTasks(other, [newTask()])
  await waitFor(() => heard.includes('other'), { what: 'a notice' })
  await insertTasks(sql, [newTask()])
  await waitFor(() => heard.includes('taskmaster'), { what: 'a notice' })
  expect(heard).toEqual(['other', 'taskmaster'])
})

test('what migrate would run is printed, and run by hand gives what services take for up to date', async () => {
  const { settings } = await createTestDatabase()
  await using own = open(settings, { schema: 'user', poolMax: 1 })
  const { user, password, host, port, database } = settings
  const env = {
    DATABASE_URL: `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`,
    // A word of SQL, which has to be quoted.
    DB_SCHEMA: 'user',
  }
  const printed = await run('src/cli/main.ts', ['migrate', '--print'], env)
  expect(printed).toMatchObject({ code: 0, err: '' })
  expect(printed.out).toBe(`${await printMigration(own)}\n`)
  await own.unsafe(printed.out).simple()
  expect(await migrate(own)).toEqual([])
  const after = await run('src/cli/main.ts', ['migrate', '--print'], env)
  expect(after.out).toBe('-- The database is up to date.\n')
  const wrong = await run('src/cli/main.ts', ['migrate'], { ...env, DB_SCHEMA: 'a; DROP SCHEMA taskmaster' })
  expect(wrong).toMatchObject({ code: 1 })
  expect(wrong.err).toContain('DB_SCHEMA must be at most 40 lower-case letters')
})
