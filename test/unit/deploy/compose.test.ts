import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { YAML } from 'bun'
import { RUNTIME } from '../../../src/cli/up/services.ts'

interface Service {
  image: string
  build?: { target: string }
  user?: string
  profiles?: string[]
  environment?: Record<string, string>
  ports?: string[]
  volumes?: string[]
  networks?: string[]
  mem_limit?: string
  restart?: string
  stop_grace_period?: string
  [key: string]: unknown
}

const ROOT = join(import.meta.dir, '..', '..', '..')
const read = (path: string) => Bun.file(join(ROOT, path)).text()

const file = YAML.parse(await read('docker-compose.yml')) as {
  services: Record<string, Service>
  networks: Record<string, { internal?: boolean } | null>
}
const services = Object.entries(file.services)
const dockerfile = await read('Dockerfile')

/** Every name that a config.ts, or what it is made of, gives a setting to. */
async function settingNames(): Promise<Set<string>> {
  const names = new Set<string>()
  for (const path of new Bun.Glob('src/**/{config,settings}.ts').scanSync(ROOT)) {
    for (const [, name] of (await read(path)).matchAll(/^ {2}([A-Z][A-Z0-9_]+):/gm)) names.add(name as string)
  }
  return names
}

test('every variable that our services are given is a setting', async () => {
  const known = await settingNames()
  expect(known).toContain('WORKER_POOL_SIZE')
  const given = services
    .filter(([, { build }]) => build && build.target !== 'dashboard')
    .flatMap(([name, { environment = {} }]) =>
      Object.keys(environment).map((variable) => `${name}: ${variable}`),
    )
  expect(given.length).toBeGreaterThan(20)
  expect(given.filter((line) => !known.has(line.split(': ')[1] as string))).toEqual([])
})

test('the images run services by the settings of Bun that `up` runs them by', () => {
  for (const [name, value] of Object.entries(RUNTIME)) expect(dockerfile).toContain(`ENV ${name}=${value}\n`)
})

test('the socket is mounted by the proxy alone, which is started on request and reached by the scheduler alone', () => {
  const withSocket = services.filter(([, { volumes = [] }]) =>
    volumes.some((volume) => volume.includes('docker.sock')),
  )
  expect(withSocket.map(([name]) => name)).toEqual(['docker-proxy'])
  const proxy = file.services['docker-proxy']!
  expect(proxy).toMatchObject({
    profiles: ['scaling'],
    networks: ['docker'],
    cap_drop: ['ALL'],
    read_only: true,
  })
  expect(proxy.ports).toBeUndefined()
  expect(file.networks.docker).toEqual({ internal: true })
  const near = services.filter(([, { networks = [] }]) => networks.includes('docker')).map(([name]) => name)
  expect(near.sort()).toEqual(['docker-proxy', 'scheduler'])
})

test('ports are open on this machine alone', () => {
  const ports = services.flatMap(([, service]) => service.ports ?? [])
  expect(ports.length).toBeGreaterThan(2)
  expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([])
})

test('workers have nothing that two of them could not share', () => {
  const { worker } = file.services
  for (const key of ['container_name', 'hostname', 'ports', 'volumes']) expect(worker).not.toHaveProperty(key)
  expect(
    Object.keys(worker!.environment ?? {}).filter((name) =>
      /^(POSTGRES|DATABASE)|WORKER_(NAME|ADDRESS)/.test(name),
    ),
  ).toEqual([])
})

test('every service is bounded in memory and comes back by itself, and none of ours runs with privileges', () => {
  for (const [name, service] of services) {
    expect({ name, restart: service.restart }).toEqual({ name, restart: 'unless-stopped' })
    expect({ name, limit: service.mem_limit }).toEqual({ name, limit: expect.stringMatching(/^\d+[mg]$/) })
    if (service.build) {
      expect(service).toMatchObject({ init: true, read_only: true, cap_drop: ['ALL'] })
      expect(dockerfile).toContain(` AS ${service.build.target}\n`)
    }
  }
})

test('a worker is given longer to stop than it takes to drain', async () => {
  const drainMs = Number(
    /DRAIN_TIMEOUT: duration\(([\d_]+)\)/.exec(await read('src/worker/config.ts'))?.[1]?.replace('_', ''),
  )
  expect(drainMs).toBe(30_000)
  expect(Number.parseInt(file.services.worker!.stop_grace_period ?? '0', 10) * 1000).toBeGreaterThan(
    drainMs + 5000,
  )
})

test('the images are made of the Bun that the project names, and run without being root', async () => {
  const version = (await read('.bun-version')).trim()
  const bases = [...dockerfile.matchAll(/^FROM (\S+:\S+)/gm)].map(([, image]) => image)
  expect(bases.length).toBeGreaterThan(1)
  expect(new Set(bases)).toEqual(new Set([`oven/bun:${version}-slim`]))
  expect(dockerfile).toContain('\nUSER bun\n')
  expect([...dockerfile.matchAll(/^USER (.*)$/gm)].map(([, user]) => user)).toEqual(['bun'])
})

test('every path that the monitoring profile mounts is there, and Prometheus asks where the scheduler listens', async () => {
  const mounted = services
    .flatMap(([, { volumes = [] }]) => volumes)
    .filter((volume) => volume.startsWith('./'))
  expect(mounted.length).toBe(6)
  for (const volume of mounted) {
    const path = volume.split(':')[0] as string
    expect({ path, isThere: existsSync(join(ROOT, path)) }).toEqual({ path, isThere: true })
  }
  const { scrape_configs } = YAML.parse(await read('deploy/prometheus/prometheus.yml')) as {
    scrape_configs: { static_configs: { targets: string[] }[] }[]
  }
  expect(scrape_configs[0]?.static_configs[0]?.targets).toEqual(['scheduler:8081'])
})

test('every metric on the Grafana dashboard is one that the scheduler tells of', async () => {
  const metrics = await read('src/scheduler/metrics.ts')
  const { panels } = (await Bun.file(join(ROOT, 'deploy/grafana/dashboards/taskmaster.json')).json()) as {
    panels: { targets: { expr: string }[] }[]
  }
  const shown = panels.flatMap(({ targets }) =>
    targets.flatMap(({ expr }) => expr.match(/taskmaster_\w+/g) ?? []),
  )
  expect(shown.length).toBeGreaterThan(15)
  const missing = shown
    .map((name) => name.replace(/_bucket$/, ''))
    .filter(
      (name) =>
        !metrics.includes(`'${name}'`) &&
        !metrics.includes(`ofQueue('${name.replace('taskmaster_queue_', '')}'`) &&
        !metrics.includes(`found('${name.replace('taskmaster_audit_', '')}'`),
    )
    .filter((name) => !new RegExp(`found\\(\\s*'${name.replace('taskmaster_audit_', '')}'`).test(metrics))
  expect(missing).toEqual([])
})
