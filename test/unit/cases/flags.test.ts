import { expect, test } from 'bun:test'
import { readConfig as readCoordinator } from '../../../src/coordinator/config.ts'
import { readConfig as readScheduler } from '../../../src/scheduler/config.ts'
import { readConfig as readWorker } from '../../../src/worker/config.ts'

test.each([
  [['--worker-id=worker1', '--master=host:50051']],
  [['--worker-id', 'worker1', '--master', 'host:50051']],
  [['-worker-id', 'worker1', '-master=host:50051']],
])('a worker takes the flags of other systems: %j', (args) => {
  expect(readWorker({}, args)).toMatchObject({ name: 'worker1', coordinators: ['host:50051'] })
})

test('a coordinator takes --grpc-port and a scheduler --http-port, written as others do', () => {
  expect(readCoordinator({}, ['--grpc-port=:50051']).port).toBe(50_051)
  const around = { hasLauncher: false, hasDockerSocket: false }
  expect(readScheduler({}, ['--http-port', ':8090'], around).port).toBe(8090)
})

test('a flag that stands for a setting of another program is unknown', () => {
  expect(() => readCoordinator({}, ['--worker-id=x'])).toThrow('unknown flag --worker-id')
})

test('worker ids are positive signed 32-bit integers, because coordinators of others keep them in one', () => {
  const ids = Array.from({ length: 500 }, () => readWorker({}, []).id)
  expect(ids.every((id) => Number.isInteger(id) && id >= 1 && id <= 2 ** 31 - 1)).toBeTrue()
  expect(new Set(ids).size).toBeGreaterThan(490)
})
