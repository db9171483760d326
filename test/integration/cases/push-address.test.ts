import { expect, test } from 'bun:test'
import { status } from '@grpc/grpc-js'
import { createPushTargets } from '../../../src/coordinator/push-target.ts'
import { documentedClient, failureOf } from '../../support/client.ts'
import { startStand } from '../coordinator/stand.ts'

const { address, database } = await startStand()
const client = documentedClient(address)

test.each([
  ...['unix:/run/x', 'unix:///run/x', 'dns:///evil.example:53', 'ipv4:127.0.0.1:1,127.0.0.1:2', 'xds:///x'],
  ...[
    '',
    'worker-1',
    'worker-1:',
    ':1',
    'worker-1:0',
    '127.0.0.1:99999',
    'a b:1',
    'a\0b:1',
    'http://127.0.0.1:1',
  ],
])('a heartbeat with the address %p is refused as no address, and nothing is dialled', async (given) => {
  expect(await failureOf(client.sendHeartbeat({ workerId: 1, address: given }))).toEqual({
    code: status.INVALID_ARGUMENT,
    details: 'address must be host:port, such as worker-1:50051',
  })
  expect(await client.listWorkers()).toEqual([])
})

test('a worker may not send the coordinator to an address that is not its own, and is told what allows it', async () => {
  expect(await failureOf(client.sendHeartbeat({ workerId: 1, address: '10.1.2.3:80' }))).toEqual({
    code: status.PERMISSION_DENIED,
    details:
      'address 10.1.2.3 is not where this call comes from (127.0.0.1): to have it dialled, name its network in PUSH_ALLOW of the coordinator',
  })
  expect(await client.listWorkers()).toEqual([])
})

test('a worker beside the coordinator may name itself by any of its names, which are listed as it gave them', async () => {
  for (const given of ['127.0.0.1:1', 'localhost:1', '127.0.0.2:1', '[::1]:1']) {
    expect(await client.sendHeartbeat({ workerId: 1, address: given })).toEqual({ acknowledged: true })
    expect(await client.listWorkers()).toMatchObject([{ id: 1, address: given }])
  }
})

test('PUSH_ALLOW names networks in which workers may be besides', async () => {
  const allowing = await startStand({ PUSH_ALLOW: '10.1.0.0/16,192.0.2.7' }, database)
  const other = documentedClient(allowing.address)
  for (const given of ['10.1.2.3:80', '192.0.2.7:80']) {
    expect(await other.sendHeartbeat({ workerId: 2, address: given })).toEqual({ acknowledged: true })
  }
  for (const given of ['10.2.2.3:80', '192.0.2.8:80']) {
    expect((await failureOf(other.sendHeartbeat({ workerId: 3, address: given }))).code).toBe(
      status.PERMISSION_DENIED,
    )
  }
  await allowing.stop()
})

const own = createPushTargets([])

test.each([
  ['10.0.0.5:50051', '10.0.0.5:40112', '10.0.0.5:50051'],
  ['10.0.0.5:50051', '::ffff:10.0.0.5:40112', '10.0.0.5:50051'],
  ['[::ffff:10.0.0.5]:50051', '10.0.0.5:40112', '10.0.0.5:50051'],
  ['[fd00::5]:50051', 'fd00::5:40112', '[fd00::5]:50051'],
])('%s named by %s is dialled as %s', async (given, peer, dialled) => {
  expect(await own.resolve(given, peer)).toBe(dialled)
})

test.each([
  ['127.0.0.1:22', '10.0.0.5:40112'],
  ['localhost:22', '10.0.0.5:40112'],
  ['169.254.169.254:80', '10.0.0.5:40112'],
  ['10.0.0.6:50051', '10.0.0.5:40112'],
  ['10.0.0.5:50051', 'unknown'],
])('%s named by %s is not dialled', async (given, peer) => {
  expect(own.resolve(given, peer)).rejects.toThrow('PUSH_ALLOW')
})

test('a name that leads nowhere is unavailable, and says so', async () => {
  expect(own.resolve('no-such-host.invalid:80', '10.0.0.5:1')).rejects.toThrow(
    'address no-such-host.invalid cannot be looked up',
  )
})
