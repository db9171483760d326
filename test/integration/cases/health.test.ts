import { afterAll, describe, expect, test } from 'bun:test'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { createControl } from '../../../src/coordinator/control.ts'
import { startPresence } from '../../../src/coordinator/presence.ts'
import { Control } from '../../../src/shared/rpc/load.ts'
import { createTroubles } from '../../../src/shared/runtime/troubles.ts'
import type { Sql } from '../../../src/shared/store/connect.ts'
import {
  beatService,
  forgetServices,
  listCoordinators,
  removeService,
} from '../../../src/shared/store/services.ts'
import { waitFor } from '../../support/wait.ts'
import { createStand } from '../scheduler/stand.ts'

const servers: Server[] = []
afterAll(() => {
  for (const server of servers) server.forceShutdown()
})

const NO_EXPRESS = { store: async () => 'refused' as const, isScheduler: async () => false }

/** A coordinator, as far as it says how it is. */
async function startCoordinator() {
  const id = crypto.randomUUID()
  const troubles = createTroubles()
  const server = new Server()
  servers.push(server)
  server.addService(Control.service, createControl(id, troubles, NO_EXPRESS).handlers)
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
  return { id, troubles, address: `127.0.0.1:${port}`, stop: () => server.forceShutdown() }
}

/** Lets every such statement fail, as on a full disk; the result mends it. */
async function refuse(sql: Sql, what: string, code: string): Promise<() => Promise<void>> {
  await sql.unsafe(`
    CREATE OR REPLACE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'internal words' USING ERRCODE = '${code}'; END $$;
    CREATE TRIGGER broken BEFORE ${what} FOR EACH STATEMENT EXECUTE FUNCTION broken()`)
  return async () => {
    await sql`DROP FUNCTION broken CASCADE`
  }
}

/** One that is ready when nothing is wrong. */
async function createReady(coordinators = 1) {
  const made = await Promise.all(Array.from({ length: coordinators }, startCoordinator))
  const stand = await createStand({ coordinators: made.map(({ address }) => address) })
  const ready = () => stand.get('/readyz')
  expect(await ready()).toMatchObject({ status: 200, body: { status: 'ready', health: 'ok', message: null } })
  return { ...stand, ready, coordinators: made }
}

describe('a database that takes no writes is named by /readyz and /api/health, and healed is well again', () => {
  test('whatever the reason, by what the scheduler writes of itself', async () => {
    const { sql, get, ready } = await createReady()
    const reasons = {
      '53100': 'The database is out of disk space.',
      '53200': 'The database is out of memory.',
      '58030': 'The disk or the operating system of the database failed.',
      '25006': 'The database is read-only.',
      '42501': 'TaskMaster lacks a permission in the database.',
    }
    let mend = async () => {}
    for (const [code, words] of Object.entries(reasons)) {
      await mend()
      mend = await refuse(sql, 'INSERT OR UPDATE ON services', code)
      const told = await waitFor(
        async () => {
          const answer = await ready()
          return answer.body.error?.includes(words) && answer
        },
        { what: `${code} to be told` },
      )
      expect(told.body).toMatchObject({ code: 'unavailable', missing: ['database'], health: 'degraded' })
      expect(told.body.error).toStartWith(`not ready: missing database. ${words} Nothing new can be stored`)
      expect(told.body.error).not.toContain('internal words')
      expect(told.headers.get('Retry-After')).toBe('1')
      expect((await get('/api/health')).body).toMatchObject({
        ...{ state: 'degraded', code, database: { state: 'degraded', code } },
      })
      expect((await get('/healthz')).status).toBe(200)
    }
    await mend()
    await waitFor(async () => (await ready()).status === 200, { what: 'it to be well again' })
  })

  test('by a submission that was refused, until one is stored', async () => {
    const { sql, post, ready } = await createReady()
    const mend = await refuse(sql, 'INSERT ON task_records', '53100')
    expect((await post('/tasks', { command: 'x' })).status).toBe(503)
    const { status, body } = await ready()
    expect({ status, missing: body.missing }).toEqual({ status: 503, missing: ['database'] })
    expect(body.message).toStartWith('The database is out of disk space.')
    await mend()
    expect((await post('/tasks', { command: 'x' })).status).toBe(200)
    expect((await ready()).status).toBe(200)
  })

  test('but not by a submission that a trigger of others refused for what it holds', async () => {
    const { sql, post, ready } = await createReady()
    await refuse(sql, 'INSERT ON task_records', 'P0001')
    expect((await post('/tasks', { command: 'x' })).status).toBe(503)
    expect((await ready()).status).toBe(200)
  })
})

describe('coordinators', () => {
  test('one that cannot store reports is named, with how many wait', async () => {
    const { get, ready, coordinators } = await createReady()
    const [{ troubles, address }] = coordinators as [(typeof coordinators)[0]]
    troubles.raise('reports', { message: 'The database is out of disk space.', code: '53100', waiting: 3 })
    const { status, body } = await ready()
    expect({ status, missing: body.missing, health: body.health }).toEqual({
      ...{ status: 503, missing: ['coordinator'], health: 'degraded' },
    })
    const message = `The coordinator at ${address}: The database is out of disk space. 3 wait.`
    expect(body.message).toBe(message)
    expect((await get('/api/health')).body).toMatchObject({
      ...{ state: 'degraded', message, reports_waiting: 3 },
      coordinators: [{ state: 'degraded', address, code: '53100', waiting: 3, since: expect.any(String) }],
    })
    const { body: metrics } = await get('/metrics')
    for (const line of [
      'taskmaster_health{component="database"} 1',
      'taskmaster_health{component="coordinator"} 0.5',
      'taskmaster_health{component="system"} 0.5',
      'taskmaster_coordinators_troubled 1',
      'taskmaster_reports_waiting 3',
    ])
      expect(metrics).toContain(`${line}\n`)
    troubles.resolve('reports')
    expect((await ready()).status).toBe(200)
  })

  test('one of two that is gone is told, and the scheduler is ready all the same', async () => {
    const { ready, coordinators } = await createReady(2)
    coordinators[1]!.stop()
    expect(await ready()).toMatchObject({
      status: 200,
      body: {
        health: 'degraded',
        message: `The coordinator at ${coordinators[1]!.address} cannot be reached.`,
      },
    })
  })

  test('one that nobody named is found by what it writes, once, and forgotten when it leaves', async () => {
    const { sql, get, ready, coordinators, services } = await createReady()
    const [named] = coordinators
    const found = await startCoordinator()
    const log = services.log
    const presence = startPresence(sql, found.troubles, log, found)
    await beatService(sql, { id: named!.id, kind: 'coordinator', address: 'elsewhere:1' })
    const listed = async () =>
      (await get('/api/health')).body.coordinators.map(({ address }: { address: string }) => address)
    await waitFor(async () => (await listed()).length === 2, { what: 'the other one' })
    expect(await listed()).toEqual([named!.address, found.address])
    named!.stop()
    expect(await ready()).toMatchObject({ status: 200, body: { health: 'degraded' } })
    await presence.stop()
    await waitFor(async () => (await listed()).length === 1, { what: 'it to be forgotten' })
    expect((await ready()).status).toBe(503)
  })

  test('one that cannot write that it runs says so itself', async () => {
    const { sql, services } = await createReady()
    const troubles = createTroubles()
    const mend = await refuse(sql, 'INSERT OR UPDATE ON services', '53100')
    const presence = startPresence(sql, troubles, services.log, {
      id: crypto.randomUUID(),
      address: 'here:1',
    })
    await waitFor(() => troubles.list().length === 1, { what: 'the trouble' })
    expect(troubles.list()).toMatchObject([
      {
        key: 'presence',
        code: '53100',
        message: 'It cannot write to the database: The database is out of disk space.',
      },
    ])
    await mend()
    await waitFor(() => troubles.list().length === 0, { what: 'its end' })
    await presence.stop()
  })
})

test('watchers of events are told when a trouble begins and when it ends', async () => {
  const { services, feed, coordinators } = await createReady()
  const troubles = coordinators[0]!.troubles
  services.health.start()
  troubles.raise('claims', { message: 'Claims fail.' })
  const told = (type: string) =>
    waitFor(() => feed.recent().find((event) => event.type === type), { what: `an event ${type}` })
  expect(await told('trouble')).toMatchObject({
    ...{ event: 'trouble_began', level: 'error', task_id: null, worker_id: null },
    msg: `The coordinator at ${coordinators[0]!.address}: Claims fail.`,
  })
  troubles.resolve('claims')
  expect(await told('recovered')).toMatchObject({ event: 'trouble_ended', level: 'success' })
})

describe('the table of services', () => {
  test('is updated in place, so that it costs no index and hardly grows', async () => {
    const { sql } = await createStand()
    const service = { id: crypto.randomUUID(), kind: 'coordinator' as const, address: 'here:1' }
    for (let n = 0; n < 201; n++) await beatService(sql, service)
    const updates = await waitFor(
      async () => {
        const [row] = await sql<{ made: number; inPlace: number }[]>`
          SELECT n_tup_upd AS made, n_tup_hot_upd AS "inPlace" FROM pg_stat_user_tables WHERE relname = 'services'`
        return row?.made === 200 && row
      },
      { what: 'the statistics' },
    )
    expect(updates.inPlace).toBeWithin(180, 201)
    expect(await listCoordinators(sql, 60_000, 10)).toMatchObject([{ id: service.id, address: 'here:1' }])
  })

  test('forgets those that ended without saying so', async () => {
    const { sql } = await createStand()
    const [lost, left] = [crypto.randomUUID(), crypto.randomUUID()]
    for (const id of [lost, left]) await beatService(sql, { id, kind: 'coordinator', address: '' })
    await sql`UPDATE services SET seen_at = now() - interval '2 min' WHERE id = ${lost}`
    expect(await listCoordinators(sql, 60_000, 10)).toMatchObject([{ id: left }])
    await removeService(sql, left)
    await forgetServices(sql, 60_000)
    expect(await sql`SELECT id FROM services`).toHaveLength(0)
  })
})
