import { expect, test } from 'bun:test'
import { readConfig } from '../../../src/scheduler/config.ts'

const ALONE = { hasLauncher: false, hasDockerSocket: false }

test('without any setting the scheduler is where clients expect it', () => {
  expect(readConfig({}, [], ALONE)).toMatchObject({
    host: '127.0.0.1',
    port: 8081,
    coordinators: ['localhost:8080'],
    maxLogEvents: 250,
    silenceMs: 15_000,
    fleet: 'none',
    databaseTries: 5,
    logLevel: 'info',
  })
})

test('a port is written with or without its colon, and a flag wins', () => {
  expect(readConfig({ SCHEDULER_PORT: ':9000' }, [], ALONE).port).toBe(9000)
  expect(readConfig({ SCHEDULER_PORT: '9000' }, ['--scheduler-port', '9001'], ALONE).port).toBe(9001)
})

test('coordinators are a list, by either name', () => {
  expect(readConfig({ COORDINATOR: 'a:1, b:2' }, [], ALONE).coordinators).toEqual(['a:1', 'b:2'])
  expect(readConfig({ COORDINATOR: 'a:1', COORDINATOR_ADDRESS: 'c:3' }, [], ALONE).coordinators).toEqual([
    'c:3',
  ])
})

test('a launcher is used when there is one, unless told otherwise', () => {
  expect(readConfig({}, [], { ...ALONE, hasLauncher: true }).fleet).toBe('process')
  expect(readConfig({ FLEET: 'none' }, [], { ...ALONE, hasLauncher: true }).fleet).toBe('none')
})

test('outside of a launcher, whoever runs the containers is asked', () => {
  const fleetOf = (env: Record<string, string>, site = ALONE) => readConfig(env, [], site).fleet
  expect(fleetOf({ KUBERNETES_SERVICE_HOST: '10.0.0.1', DOCKER_HOST: 'tcp://proxy:2375' })).toBe('kubernetes')
  expect(fleetOf({ DOCKER_HOST: 'tcp://proxy:2375' })).toBe('docker')
  expect(fleetOf({}, { ...ALONE, hasDockerSocket: true })).toBe('docker')
  expect(fleetOf({ FLEET: 'swarm' })).toBe('swarm')
  expect(fleetOf({ FLEET: 'none' }, { ...ALONE, hasDockerSocket: true })).toBe('none')
  expect(readConfig({ KUBERNETES_SERVICE_HOST: 'fd00::1' }, [], ALONE).kubernetesUrl).toBe(
    'https://[fd00::1]:443',
  )
})

test('everything that is wrong is said at once, by name', () => {
  const read = () => readConfig({ SCHEDULER_PORT: 'x', MAX_LOG_EVENTS: '0', FLEET: 'podman' }, [], ALONE)
  expect(read).toThrow(/SCHEDULER_PORT.*MAX_LOG_EVENTS.*FLEET/)
})

test('names of loopback are answered, elsewhere the name of the machine too, and those that are allowed besides', () => {
  const namesOf = (env: Record<string, string>) =>
    [...readConfig(env, [], { ...ALONE, hostName: 'box.example' }).hosts!.names].sort()
  const loopback = ['127.0.0.1', '[::1]', 'localhost']
  expect(namesOf({})).toEqual(loopback)
  expect(namesOf({ ALLOWED_HOSTS: 'tasks.example' })).toEqual([...loopback, 'tasks.example'])
  expect(namesOf({ SCHEDULER_HOST: '0.0.0.0', ALLOWED_HOSTS: 'a.example' })).toEqual(
    ['0.0.0.0', ...loopback, 'a.example', 'box', 'box.example'].sort(),
  )
  expect(readConfig({ SCHEDULER_HOST: '0.0.0.0', ALLOWED_HOSTS: '*' }, [], ALONE).hosts).toBeNull()
})
