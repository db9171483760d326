import { afterAll, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import pino from 'pino'
import { connect, type Sql } from '../../../src/shared/store/connect.ts'
import { readCounts } from '../../../src/shared/store/counts.ts'
import { claimTasks, settleTasks } from '../../../src/shared/store/dispatch.ts'
import { insertLogs, listLogs } from '../../../src/shared/store/logs.ts'
import { migrate } from '../../../src/shared/store/migrate.ts'
import { checkSettings, SESSION_SETTINGS } from '../../../src/shared/store/session.ts'
import { findTask, insertTasks, listTasks, searchTasks } from '../../../src/shared/store/tasks.ts'
import { listWorkers } from '../../../src/shared/store/workers.ts'
import { testServer } from '../../support/database.ts'
import { poolSettings } from '../../support/server.ts'
import { NOW, newTask, register, reportOf } from '../../support/store.ts'

/** Whatever a role or a database is set to, what was stored is read as it was sent. */

const { template: _, ...server } = testServer()
const name = `hostile_${randomBytes(4).toString('hex')}`
const role = { ...server, ...poolSettings, poolMax: 2, user: name, password: 'secret', database: name }
const admin = connect({ ...server, ...poolSettings, poolMax: 1 })
await admin.unsafe(`CREATE ROLE ${name} LOGIN PASSWORD 'secret'`)
await admin.unsafe(`CREATE DATABASE ${name} OWNER ${name}`)
/** The same database, as its superuser sees it. */
const plain = connect({ ...server, ...poolSettings, poolMax: 1, database: name })

afterAll(async () => {
  await plain.end({ timeout: 1 })
  await admin.unsafe(`DROP DATABASE ${name} WITH (FORCE)`)
  await admin.unsafe(`DROP ROLE ${name}`)
  await admin.end({ timeout: 1 })
})

/**
 * Those that no session of ours can do anything about, those that say where things lie, and those by which an administrator
 * asks for something: see `session.ts`.
 */
const LEFT_ALONE = new Set([
  ...[
    'default_transaction_read_only',
    'transaction_timeout',
    'idle_session_timeout',
    'restrict_nonsystem_relation_kind',
  ],
  ...['default_tablespace', 'default_table_access_method', 'temp_tablespaces', 'local_preload_libraries'],
  // They are of the current transaction, or end connections that are idle by the system's clock.
  ...[
    'transaction_isolation',
    'transaction_read_only',
    'transaction_deferrable',
    'client_connection_check_interval',
  ],
  ...['tcp_user_timeout', 'tcp_keepalives_count', 'tcp_keepalives_idle', 'tcp_keepalives_interval'],
])
/** Texts that mean something; of the others the first and the last value are taken. */
const HOSTILE_TEXTS: Record<string, [string, string]> = {
  DateStyle: ['SQL, DMY', 'German, YMD'],
  TimeZone: ['Asia/Kathmandu', 'America/St_Johns'],
  client_encoding: ['LATIN1', 'SQL_ASCII'],
  search_path: ['pg_temp', 'elsewhere, pg_catalog'],
  application_name: ['x', ''],
  lc_numeric: ['C', 'POSIX'],
  timezone_abbreviations: ['Australia', 'India'],
  default_text_search_config: ['pg_catalog.german', 'pg_catalog.simple'],
}
/** What would flood the log of the server that all tests share. */
const isNoise = (setting: string) => /^(debug_|trace_|log_)/.test(setting)

interface Setting {
  name: string
  vartype: string
  enumvals: string[] | null
  min_val: string | null
  max_val: string | null
  setting: string
}

function hostileValue(given: Setting, which: 0 | 1): string | null {
  const { vartype, enumvals, min_val, max_val } = given
  if (LEFT_ALONE.has(given.name) || isNoise(given.name)) return null
  if (vartype === 'bool') return given.setting === 'on' ? 'off' : 'on'
  if (vartype === 'enum') return enumvals?.at(which - 1) ?? null
  if (vartype === 'string') return HOSTILE_TEXTS[given.name]?.[which] ?? null
  // The least of a timeout is none at all.
  if (which === 0 && min_val === '0' && /timeout$/.test(given.name)) return '1'
  return (which === 0 ? min_val : max_val) ?? null
}

const all = await admin<Setting[]>`
  SELECT name, vartype, enumvals, min_val, max_val, boot_val AS setting FROM pg_settings WHERE context = 'user' ORDER BY name`

async function whileHostile(which: 0 | 1, run: (own: Sql) => Promise<void>) {
  for (const setting of all) {
    const value = hostileValue(setting, which)
    if (value !== null) await admin.unsafe(`ALTER ROLE ${name} SET ${setting.name} = '${value}'`)
  }
  const own = connect(role)
  try {
    await run(own)
  } finally {
    await own.end({ timeout: 1 })
    await admin.unsafe(`ALTER ROLE ${name} RESET ALL`)
  }
}

async function roundTrip(own: Sql) {
  const task = newTask({
    name: String.raw`a \ back'slash 😀`,
    payload: { at: '02/03/2026', nested: [1.5, null, 'ä'] },
    scheduledAt: new Date('2026-02-03T04:05:06.789Z'),
    labels: ['NULL', 'gpu'],
    concurrencyKey: 'null',
  })
  const simple = newTask({ scheduledAt: new Date('2026-11-12T00:00:00.001Z') })
  await insertTasks(own, [task, simple])
  await register(own, 1, 'NULL')
  const [claimed] = await claimTasks(own, [1])
  expect(claimed?.taskId).toBe(simple.id)
  const line = { seq: 1, at: NOW, stream: 'stdout' as const, text: String.raw`E'\n' 😀` }
  await insertLogs(own, [{ ...claimed!, lines: [line] }], NOW)
  const texts = { output: String.raw`C:\new 😀`, result: '{"third": 0.3333333333333333}' }
  await settleTasks(own, [reportOf(claimed!, 'completed', texts)], NOW)

  const page = { limit: 10 }
  const reads: ((sql: Sql) => Promise<unknown>)[] = [
    (sql) => findTask(sql, task.id),
    (sql) => findTask(sql, simple.id),
    (sql) => listLogs(sql, simple.id, { attempt: 0, seq: 0 }, 10),
    (sql) => listTasks(sql, {}, page),
    (sql) => searchTasks(sql, { text: 'back' }, page),
    (sql) => listWorkers(sql, { silenceMs: 1e9, offline: true }),
    async (sql) => [...(await readCounts(sql))].sort(),
    (sql) => sql`SELECT scheduled_at::text, due_at - scheduled_at AS wait, error FROM tasks ORDER BY id`,
  ]
  for (const read of reads) expect(await read(own)).toEqual(await read(plain))
  const { scheduledAt, name, payload } = task
  expect(await findTask(own, task.id)).toMatchObject({ scheduledAt, name, payload, labels: ['NULL', 'gpu'] })
  expect(await findTask(own, simple.id)).toMatchObject({
    scheduledAt: simple.scheduledAt,
    output: texts.output,
    result: { third: 0.3333333333333333 },
  })
  for (const [setting, value] of Object.entries(SESSION_SETTINGS)) {
    const [row] = await own<{ value: string }[]>`SELECT current_setting(${setting}) AS value`
    expect({ setting, value: row?.value }).toEqual({ setting, value })
  }
}

test.each([
  ['least', 0],
  ['greatest', 1],
] as const)(
  'with every setting that a role may have at its %s, all is stored and read as it was sent',
  async (_, which) => {
    await whileHostile(which, async (own) => {
      const once = connect({ ...role, poolMax: 1 })
      await migrate(once)
      await once.end()
      await roundTrip(own)
    })
  },
)

test('a role whose triggers do not fire is refused, and told what to do; what only slows is named', async () => {
  await admin.unsafe(`ALTER ROLE ${name} SET session_replication_role = 'replica'`)
  await admin.unsafe(`ALTER ROLE ${name} SET idle_session_timeout = '1h'`)
  const own = connect(role)
  const logged: { level: number; msg: string }[] = []
  const log = pino({}, { write: (line: string) => logged.push(JSON.parse(line)) })
  expect(await checkSettings(own, log)).toBe(false)
  expect(logged.map(({ level, msg }) => [level, msg])).toEqual([
    [60, expect.stringMatching(/^The database sets session_replication_role to 'replica' .*ALTER ROLE/)],
    [40, expect.stringMatching(/^The database sets idle_session_timeout to '1h'/)],
  ])
  await own.end()
  await admin.unsafe(`ALTER ROLE ${name} RESET ALL`)
  expect(await checkSettings(plain, log)).toBe(true)
})
