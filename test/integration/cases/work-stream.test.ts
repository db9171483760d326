import { afterAll, expect, test } from 'bun:test'
import { ServerCredentials, status } from '@grpc/grpc-js'
import pino from 'pino'
import { createCallLimit } from '../../../src/coordinator/call-limit.ts'
import type { Connection, Registry } from '../../../src/coordinator/registry.ts'
import { createWorkServer, MAX_UNSTORED } from '../../../src/coordinator/work.ts'
import { CoordinatorService } from '../../../src/shared/rpc/load.ts'
import { createGrpcServer } from '../../../src/shared/rpc/server.ts'
import { waitFor } from '../../support/wait.ts'
import { openRaw } from '../coordinator/stand.ts'

// The stream's edge alone: a store that is done when the test says so, and a registry that takes everybody.

const connections = new Map<number, Connection>()
const registry = {
  connect: async (identity: { id: number }) => {
    const connection = { workerId: identity.id } as Connection
    connections.set(identity.id, connection)
    return { connection, revoked: [] }
  },
  get: (id: number) => connections.get(id),
  heard: () => {},
  disconnect: ({ workerId }: Connection) => void connections.delete(workerId),
} as unknown as Registry
let stored: (() => void)[] = []

const server = createGrpcServer()
server.addService(CoordinatorService.service, {
  Work: createWorkServer({
    registry,
    log: pino({ level: 'silent' }),
    limit: createCallLimit({ total: 3, perAddress: 2 }),
    isInFlight: () => true,
    report: () => new Promise((resolve) => stored.push(resolve)),
    store: () => Promise.resolve(),
    helloMs: 200,
  }),
})
const port = await new Promise<number>((resolve, reject) => {
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
    error ? reject(error) : resolve(bound),
  )
})
afterAll(() => server.forceShutdown())
const address = `127.0.0.1:${port}`
const gone = () => waitFor(() => connections.size === 0, { what: 'the streams to be over' })

test('a stream of which so much waits to be stored is read no further, until some of it is', async () => {
  const raw = await openRaw(address, {})
  let last = 0
  for (let message = 0; message < 3 * MAX_UNSTORED; message++) last = raw.report()
  await waitFor(() => stored.length === MAX_UNSTORED, { what: 'as many as may wait' })
  // Another worker's messages are read meanwhile: time enough to have read more of the first.
  const other = await openRaw(address, {})
  const own = other.report()
  await waitFor(() => stored.length > MAX_UNSTORED, { what: 'the other worker to be heard' })
  expect(stored.length).toBe(MAX_UNSTORED + 1)
  const drained = Promise.all([raw.acknowledged(last), other.acknowledged(own)])
  const timer = setInterval(() => {
    for (const done of stored.splice(0)) done()
  }, 1)
  await drained
  clearInterval(timer)
  stored = []
  for (const one of [raw, other]) one.cut()
  await gone()
})

test('a stream on which nobody says hello is ended', async () => {
  const raw = await openRaw(address)
  raw.send({ heartbeat: {} })
  await waitFor(() => raw.failure, { what: 'the end' })
  expect(raw.failure).toEqual({
    code: status.INVALID_ARGUMENT,
    details: 'hello was not said within 200 ms',
  })
})

test('streams are counted: one too many is refused, and has its place when another has left', async () => {
  const open = [await openRaw(address, {}), await openRaw(address, {})]
  const third = await openRaw(address, {})
  expect(third.failure).toEqual({ code: status.RESOURCE_EXHAUSTED, details: 'too many streams are open' })
  open[0]?.cut()
  await waitFor(
    async () => {
      const again = await openRaw(address, {})
      const taken = again.failure === null
      again.cut()
      return taken
    },
    { what: 'a place' },
  )
  open[1]?.cut()
  await gone()
})
