import { afterEach, expect, test } from 'bun:test'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { HealthImplementation } from 'grpc-health-check'
import { waitFor } from '../../support/wait.ts'
import { createStand } from './stand.ts'

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) server.forceShutdown()
})

async function startCoordinator(
  port = 0,
): Promise<{ health: HealthImplementation; port: number; stop(): void }> {
  const server = new Server()
  servers.push(server)
  const health = new HealthImplementation({ '': 'SERVING' })
  health.addToServer(server)
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, actual) =>
      error ? reject(error) : resolve(actual),
    )
  })
  return { health, port: bound, stop: () => server.forceShutdown() }
}

test('ready when the database and one of the coordinators answer', async () => {
  const { port } = await startCoordinator()
  const { get } = await createStand({ coordinators: ['127.0.0.1:1', `127.0.0.1:${port}`] })
  expect(await get('/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } })
})

test('not ready while the coordinator is stopping or gone, and ready again when it is back', async () => {
  const { health, port, stop } = await startCoordinator()
  const { get } = await createStand({ coordinators: [`127.0.0.1:${port}`] })
  expect((await get('/readyz')).status).toBe(200)
  health.setStatus('', 'NOT_SERVING')
  const answer = await get('/readyz')
  expect(answer.status).toBe(503)
  expect(answer.body).toMatchObject({ code: 'unavailable', missing: ['coordinator'] })
  expect(answer.body.error).toContain('coordinator')
  expect(answer.headers.get('Retry-After')).toBe('1')
  stop()
  expect((await get('/readyz')).status).toBe(503)
  await startCoordinator(port)
  await waitFor(async () => (await get('/readyz')).status === 200, { what: 'the coordinator' })
})

test('not ready once it is leaving, and alive all the same', async () => {
  const { port } = await startCoordinator()
  const { get, services } = await createStand({ coordinators: [`127.0.0.1:${port}`] })
  services.health.leave()
  expect((await get('/readyz')).body.missing).toEqual(['scheduler'])
  expect((await get('/healthz')).status).toBe(200)
})
