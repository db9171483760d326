import { expect, test } from 'bun:test'
import { createTestDatabase, databaseEnv } from '../../support/database.ts'
import { startService } from '../../support/processes.ts'
import { waitFor } from '../../support/wait.ts'
import { createProxy } from './proxy.ts'
import { openStream, waitForMessages } from './served.ts'

const messages = ({ logs }: { logs: { msg: string }[] }) => logs.map(({ msg }) => msg)

test('it says when it is connected and where it serves, and stops cleanly on SIGTERM with streams open', async () => {
  const { settings } = await createTestDatabase()
  const service = await startService('scheduler', databaseEnv(settings))
  expect(messages(service)).toContain('Connected to the database.')
  expect(messages(service)).toContain(`Starting scheduler server on :${service.port}`)

  const url = `http://127.0.0.1:${service.port}`
  const stream = await openStream(`${url}/api/logs/stream`)
  const body = JSON.stringify({ command: 'x' })
  const headers = { 'content-type': 'application/json' }
  const { status } = await fetch(`${url}/tasks`, { method: 'POST', body, headers })
  expect(status).toBe(200)
  await waitForMessages(stream, 1)
  expect(await service.stop()).toBe(0)
  expect(stream.ended()).toBe(true)
})

test('without a database it says so, runs out of retries and exits with 1', async () => {
  const { settings } = await createTestDatabase()
  const nowhere = await createProxy(settings)
  await nowhere.close()
  const env = { ...databaseEnv(settings), POSTGRES_PORT: String(nowhere.port), POSTGRES_HOST: nowhere.host }
  const service = await startService('scheduler', { ...env, DB_MAX_RETRIES: '2' }, { untilReady: false })
  expect(await service.exited).toBe(1)
  expect(messages(service)).toContain('Failed to connect to the database. Retrying in 5 seconds...')
  expect(messages(service)).toContain('Ran out of retries to connect to database (2)')
}, 20_000)

test('a port that is taken, and settings that are wrong, are one clear line and exit 1', async () => {
  const { settings } = await createTestDatabase()
  const taken = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() })
  const port = String(taken.port)
  const service = await startService(
    'scheduler',
    { ...databaseEnv(settings), SCHEDULER_PORT: port },
    { untilReady: false },
  )
  expect(await service.exited).toBe(1)
  expect(messages(service).at(-1)).toContain(`Could not serve on 127.0.0.1:${port}`)
  await taken.stop(true)

  const wrong = await startService('scheduler', { SCHEDULER_PORT: 'x', FLEET: 'y' }, { untilReady: false })
  expect(await wrong.exited).toBe(1)
  expect(wrong.logs).toHaveLength(1)
  expect(wrong.logs[0]?.msg).toMatch(/SCHEDULER_PORT.*FLEET/)
})

test('a client that neither reads nor leaves does not keep it from stopping', async () => {
  const { settings } = await createTestDatabase()
  const service = await startService('scheduler', databaseEnv(settings))
  const socket = await Bun.connect({
    hostname: '127.0.0.1',
    port: service.port,
    socket: { data() {}, error() {}, close() {} },
  })
  socket.write(
    'POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
  )
  await waitFor(async () => (await fetch(`http://127.0.0.1:${service.port}/healthz`)).ok, {
    what: 'an answer',
  })
  expect(await service.stop()).toBe(0)
  socket.end()
}, 20_000)
