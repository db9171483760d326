import { afterEach, expect, test } from 'bun:test'
import { connect, type DatabaseSettings } from '../../../src/shared/store/connect.ts'
import { testServer } from '../../support/database.ts'
import { waitFor } from '../../support/wait.ts'
import { createProxy, type TcpProxy } from './proxy.ts'
import { type Answer, createStand, type Stand } from './stand.ts'

/** Whatever is wrong with the database, every request is answered in time, and all is well again after it. */

const ID = '00000000-0000-7000-8000-000000000000'
/** ms; the pool gives up 2 s after the server should have. */
const STATEMENT_MS = 300
const ANSWER_MS = STATEMENT_MS + 2000 + 1500

const open: { stand: Stand; proxy?: TcpProxy }[] = []
afterEach(async () => {
  for (const { stand, proxy } of open.splice(0)) {
    await stand.services.feed.stop()
    await stand.services.sql.end({ timeout: 1 })
    await proxy?.close()
  }
})

async function createTroubled(settings: Partial<DatabaseSettings> = {}, proxy?: TcpProxy) {
  const stand = await createStand({
    through: { ...settings, statementTimeoutMs: STATEMENT_MS, connectTimeoutMs: 500 },
  })
  open.push({ stand, ...(proxy && { proxy }) })
  return stand
}

/** Every kind of request, each with how long its answer took. */
async function askAll({ get, post }: Stand): Promise<(Answer & { ms: number; what: string })[]> {
  const requests: [string, () => Promise<Answer>][] = [
    ...['/api/tasks', '/tasks', `/tasks/${ID}`, '/api/stats', '/api/dead-letters', '/api/audit'].map(
      (path): [string, () => Promise<Answer>] => [path, () => get(path)],
    ),
    ['submit', () => post('/tasks', { command: 'x' })],
    ['submit once', () => post('/tasks', { command: 'x', idempotency_key: 'k' })],
    ['batch', () => post('/api/schedule/batch', {})],
    ['cancel', () => post(`/api/tasks/${ID}/cancel`, {})],
    ['cancel many', () => post('/api/tasks/cancel', { all: true })],
  ]
  return await Promise.all(
    requests.map(async ([what, ask]) => {
      const since = performance.now()
      const answer = await ask()
      return { ...answer, what, ms: performance.now() - since }
    }),
  )
}

function expectUnavailable(answers: Awaited<ReturnType<typeof askAll>>) {
  for (const { what, status, body, headers, ms } of answers) {
    expect({ what, status, code: body.code }).toEqual({ what, status: 503, code: 'unavailable' })
    expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0)
    expect(ms).toBeLessThan(ANSWER_MS)
  }
}

/** Its statements may take so little that a busy machine alone can be too slow for one. */
async function expectWell(stand: Stand) {
  await waitFor(async () => !(await stand.services.health.readiness()).missing.includes('database'), {
    what: 'readiness',
  })
  const isWell = ({ status }: Answer) => status === 200 || status === 404 || status === 409
  await waitFor(async () => (await askAll(stand)).every(isWell), { what: 'answers to everything' })
  expect(stand.logged.filter(({ level }) => level >= 50)).toEqual([])
}

/** Holds a lock of the table of tasks, as a careless operator does; the result lets it go. */
async function lockTasks(stand: Stand): Promise<() => Promise<void>> {
  const holder = connect({ ...stand.database.settings, poolMax: 1 })
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const { promise: locked, resolve: lock } = Promise.withResolvers<void>()
  const holding = holder.begin(async (tx) => {
    await tx`LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE`
    lock()
    await released
  })
  await locked
  return async () => {
    release()
    await holding
    await holder.end()
  }
}

test('a lock that somebody holds', async () => {
  const stand = await createTroubled()
  const unlock = await lockTasks(stand)
  expectUnavailable((await askAll(stand)).filter(({ what }) => what !== '/api/stats'))
  const ready = await stand.get('/readyz')
  expect(ready.status).toBe(503)
  expect(ready.body.missing).toContain('database')
  await unlock()
  await expectWell(stand)
})

test('a connection limit that is reached', async () => {
  const proxy = await createProxy(testServer())
  const role = `limited_${crypto.randomUUID().slice(0, 8)}`
  // Made before the stand, because its first connections are the role's.
  const admin = connect({ ...testServer(), ...POOL })
  await admin.unsafe(`CREATE ROLE ${role} LOGIN SUPERUSER PASSWORD 'x'`)
  const stand = await createTroubled({ ...proxyAddress(proxy), user: role, password: 'x' }, proxy)
  await expectWell(stand)
  await stand.sql.unsafe(
    `GRANT USAGE ON SCHEMA taskmaster TO ${role}; GRANT ALL ON ALL TABLES IN SCHEMA taskmaster TO ${role}`,
  )
  // A limit holds for those who are no superusers.
  await admin.unsafe(`ALTER ROLE ${role} NOSUPERUSER CONNECTION LIMIT 0`)
  await proxy.close()
  await proxy.open()
  // The first are told of connections that were cut, the next of the limit.
  expectUnavailable(await askAll(stand))
  expectUnavailable(await askAll(stand))
  expect((await stand.get('/readyz')).body.missing).toContain('database')
  await admin.unsafe(`ALTER ROLE ${role} SUPERUSER CONNECTION LIMIT -1`)
  await expectWell(stand)
  await stand.services.feed.stop()
  await stand.services.sql.end({ timeout: 1 })
  await admin.unsafe(`REASSIGN OWNED BY ${role} TO postgres`)
  await stand.sql.unsafe(`DROP OWNED BY ${role}`)
  await admin.unsafe(`DROP ROLE ${role}`)
  await admin.end()
})

test('a network that swallows everything, and says nothing', async () => {
  const proxy = await createProxy(testServer())
  const stand = await createTroubled(proxyAddress(proxy), proxy)
  await expectWell(stand)
  proxy.swallow()
  expectUnavailable(await askAll(stand))
  expect((await stand.get('/readyz')).body.missing).toContain('database')
  // Once more: now there are not even connections.
  expectUnavailable(await askAll(stand))
  proxy.pass()
  await expectWell(stand)
})

test('more requests than can be worked on are 429, with Retry-After, and forgotten', async () => {
  const stand = await createTroubled()
  const unlock = await lockTasks(stand)
  const answers = await Promise.all(
    Array.from({ length: 21_000 }, () => stand.post('/tasks', { command: 'x' }).then(({ status }) => status)),
  )
  expect(new Set(answers)).toEqual(new Set([503, 429]))
  expect(answers.filter((status) => status === 429).length).toBeGreaterThanOrEqual(500)
  await unlock()
  await expectWell(stand)
})

const POOL = {
  poolMax: 1,
  connectTimeoutMs: 5000,
  idleTimeoutMs: 30_000,
  statementTimeoutMs: 30_000,
  applicationName: 'test',
}
const proxyAddress = ({ host, port }: TcpProxy) => ({ host, port })
