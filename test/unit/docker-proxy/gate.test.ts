import { describe, expect, test } from 'bun:test'
import pino from 'pino'
import type { Confines } from '../../../src/docker-proxy/confines.ts'
import { createGate } from '../../../src/docker-proxy/gate.ts'
import { NUMBER, ONE_OFF, PROJECT, SERVICE, STACK, SWARM_SERVICE } from '../../../src/shared/docker/labels.ts'
import { createFakeEngine, fakeContainer } from '../../support/fake-engine.ts'
import fc from '../../support/property.ts'

const labelsOf = (project: string, service: string, number = '1', oneOff = 'False') => ({
  [PROJECT]: project,
  [SERVICE]: service,
  [NUMBER]: number,
  [ONE_OFF]: oneOff,
})
const WORKERS = [
  fakeContainer('a1', 'p-worker-1', labelsOf('p', 'worker', '1')),
  fakeContainer('a2', 'p-worker-2', labelsOf('p', 'worker', '2')),
]
const STRANGERS = [
  fakeContainer('b1', 'p-postgres-1', labelsOf('p', 'postgres')),
  fakeContainer('b2', 'q-worker-1', labelsOf('q', 'worker')),
  fakeContainer('b3', 'p-worker-run-1', labelsOf('p', 'worker', '1', 'True')),
  fakeContainer('b4', 'portainer', {}),
]
const SERVICES = [
  {
    ID: 's1',
    Version: { Index: 7 },
    Spec: { Name: 'p_worker', Labels: { [STACK]: 'p' }, Mode: { Replicated: { Replicas: 1 } }, Secret: 1 },
  },
  {
    ID: 's2',
    Version: { Index: 9 },
    Spec: { Name: 'p_postgres', Labels: { [STACK]: 'p' }, Mode: { Replicated: { Replicas: 1 } } },
  },
]
const log = pino({ level: 'silent' })

function gateOf(kind: Confines['kind'] = 'compose', containers = [...WORKERS, ...STRANGERS]) {
  const engine = createFakeEngine(containers, SERVICES)
  const gate = createGate({ engine, confines: { kind, project: 'p', service: 'worker' }, log })
  const ask = async (method: string, path: string, body?: unknown) => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) }
    const response = await gate.answer(new Request(`http://proxy${path}`, init))
    const text = await response.text()
    return { status: response.status, body: text ? JSON.parse(text) : null }
  }
  /** What was asked of the engine, beside looking. */
  const done = () => engine.calls.filter(({ method }) => method !== 'GET')
  return { engine, ask, done }
}

describe('the proxy of a Compose project', () => {
  test('shows the workers of its project and no other container', async () => {
    const { ask, engine } = gateOf()
    const { body } = await ask('GET', '/containers/json?all=true&filters={}')
    expect(body.map(({ Id }: { Id: string }) => Id)).toEqual(WORKERS.map(({ Id }) => Id))
    expect(engine.calls[0]?.options.query?.filters).toContain(`${PROJECT}=p`)
  })

  test('tells of other containers of its project nothing but their labels, and of strangers nothing', async () => {
    const { ask } = gateOf()
    const { body } = await ask('GET', `/containers/${STRANGERS[0]!.Id}/json`)
    expect(Object.keys(body).sort()).toEqual(['Config', 'Id', 'Name'])
    expect(Object.keys(body.Config).sort()).toEqual(['Hostname', 'Labels'])
    expect((await ask('GET', `/containers/${STRANGERS[1]!.Id}/json`)).status).toBe(403)
    expect((await ask('GET', '/containers/portainer/json')).status).toBe(403)
  })

  test.each(['start', 'stop', 'kill', 'wait'])(
    '%s reaches workers only, without any parameter of the caller',
    async (verb) => {
      const { ask, done } = gateOf()
      expect((await ask('POST', `/containers/p-worker-2/${verb}?signal=SIGSTOP&t=-1`)).status).toBe(204)
      expect(done()).toHaveLength(1)
      expect(done()[0]).toMatchObject({ path: `/containers/${WORKERS[1]!.Id}/${verb}` })
      expect(JSON.stringify(done()[0]?.options)).not.toContain('SIGSTOP')
      for (const { Id } of STRANGERS)
        expect((await ask('POST', `/containers/${Id}/${verb}`)).status).toBe(403)
      expect(done()).toHaveLength(1)
    },
  )

  test('only workers are removed, and never by force', async () => {
    const { ask, done } = gateOf()
    expect((await ask('DELETE', `/containers/${WORKERS[0]!.Id}?force=true&v=true`)).status).toBe(204)
    for (const { Id } of STRANGERS) expect((await ask('DELETE', `/containers/${Id}`)).status).toBe(403)
    expect(done()).toMatchObject([{ method: 'DELETE', path: `/containers/${WORKERS[0]!.Id}`, options: {} }])
    expect(done()[0]?.options.query).toBeUndefined()
  })

  test('what is created is a copy of a worker, whatever body was sent', async () => {
    const { ask, done } = gateOf()
    const body = { Image: 'evil', HostConfig: { Privileged: true, Binds: ['/:/host'] }, Cmd: ['sh'] }
    expect((await ask('POST', '/containers/create?name=p-worker-3', body)).status).toBe(200)
    expect(done()).toHaveLength(1)
    const { query, body: sent } = done()[0]!.options
    expect({ query, sent }).toEqual({
      query: { name: 'p-worker-3' },
      sent: {
        Image: 'image-of-p-worker-1',
        Env: ['A=1'],
        User: 'bun',
        Labels: { ...labelsOf('p', 'worker', '3') },
        HostConfig: WORKERS[0]!.HostConfig,
        NetworkingConfig: { EndpointsConfig: { p_default: { Aliases: ['worker'] } } },
      },
    })
  })

  test('nothing is created under a name that is no worker’s, nor beyond so many', async () => {
    const { ask, done } = gateOf()
    for (const name of [
      'evil',
      'p-postgres-2',
      'q-worker-3',
      'p-worker-0',
      'p-worker-99999',
      '../p-worker-3',
      '',
    ]) {
      expect((await ask('POST', `/containers/create?name=${encodeURIComponent(name)}`)).status).toBe(403)
    }
    expect((await ask('POST', '/containers/create')).status).toBe(403)
    expect(done()).toEqual([])
    const many = Array.from({ length: 100 }, (_, n) =>
      fakeContainer(`c${n}x`, `p-worker-${n + 1}`, labelsOf('p', 'worker', `${n + 1}`)),
    )
    const full = gateOf('compose', many)
    expect((await full.ask('POST', '/containers/create?name=p-worker-101')).status).toBe(403)
    expect(full.done()).toEqual([])
  })

  test('has no way to services', async () => {
    const { ask, engine } = gateOf()
    expect((await ask('GET', '/services/p_worker')).status).toBe(403)
    expect((await ask('POST', '/services/s1/update?version=7', {})).status).toBe(403)
    expect(engine.calls).toEqual([])
  })
})

describe('the proxy of a Swarm stack', () => {
  const inSwarm = [
    fakeContainer('d1', 'p_worker.1.x', { [SWARM_SERVICE]: 'p_worker', [STACK]: 'p' }),
    fakeContainer('d2', 'p_postgres.1.x', { [SWARM_SERVICE]: 'p_postgres', [STACK]: 'p' }),
  ]

  test('changes the replicas of its service, and nothing else of it', async () => {
    const { ask, done } = gateOf('swarm', inSwarm)
    const spec = {
      Name: 'evil',
      TaskTemplate: { ContainerSpec: { Image: 'evil' } },
      Mode: { Replicated: { Replicas: 5 } },
    }
    expect((await ask('POST', '/services/s1/update?version=7', spec)).status).toBe(204)
    expect(done()).toHaveLength(1)
    expect(done()[0]).toMatchObject({ path: '/services/s1/update', options: { query: { version: '7' } } })
    expect(done()[0]?.options.body).toEqual({ ...SERVICES[0]!.Spec, Mode: { Replicated: { Replicas: 5 } } })
  })

  test('refuses other services, other versions, and numbers that are none', async () => {
    const { ask, done } = gateOf('swarm', inSwarm)
    const replicas = (count: unknown) => ({ Mode: { Replicated: { Replicas: count } } })
    expect((await ask('GET', '/services/p_postgres')).status).toBe(403)
    expect((await ask('POST', '/services/s2/update?version=9', replicas(2))).status).toBe(403)
    expect((await ask('POST', '/services/s1/update?version=6', replicas(2))).status).toBe(409)
    for (const count of [0, 51, -1, 1.5, '5', null, Number.MAX_SAFE_INTEGER]) {
      expect((await ask('POST', '/services/s1/update?version=7', replicas(count))).status).toBe(403)
    }
    for (const body of [null, 5, [], 'x', {}, { Mode: null }]) {
      expect((await ask('POST', '/services/s1/update?version=7', body)).status).toBe(403)
    }
    expect(done()).toEqual([])
  })

  test('creates no container', async () => {
    const { ask, engine } = gateOf('swarm', inSwarm)
    expect((await ask('POST', '/containers/create?name=p-worker-3')).status).toBe(403)
    expect(engine.calls).toEqual([])
  })
})

const HEX = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 1, maxLength: 64 })
const segment = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'containers',
      'services',
      'json',
      'create',
      'kill',
      'stop',
      'exec',
      'update',
      'archive',
      'attach',
      'v1.41',
      '..',
      '.',
      '%2e%2e',
      '%2f',
      '',
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...[...WORKERS, ...STRANGERS].flatMap(({ Id, Name }) => [Id, Name.slice(1)]),
      's1',
      's2',
      'p_worker',
    ),
  },
  { weight: 1, arbitrary: HEX },
  { weight: 2, arbitrary: fc.string({ maxLength: 30 }).map(encodeURIComponent) },
)
const query = fc.dictionary(
  fc.constantFrom('name', 'filters', 'version', 'signal', 'force', 'all', 't'),
  fc.string({ maxLength: 30 }),
)
const anything = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'),
  path: fc.array(segment, { maxLength: 5 }).map((parts) => `/${parts.join('/')}`),
  query,
  body: fc.option(fc.json(), { nil: undefined }),
})
/** What is nearly allowed, or is, about anything. */
const near = fc.record({
  method: fc.constantFrom('POST', 'DELETE'),
  path: fc.oneof(
    fc
      .tuple(segment, fc.constantFrom('/start', '/stop', '/kill', '/wait', '', '/exec', '/update'))
      .map(([name, verb]) => `/containers/${name}${verb}`),
    segment.map((name) => `/services/${name}/update`),
    fc.constant('/containers/create'),
  ),
  query: fc.record({
    name: fc
      .tuple(fc.constantFrom('p-worker-', 'p-postgres-', 'q-worker-', ''), fc.oneof(fc.nat(), fc.string()))
      .map((parts) => parts.join('')),
    version: fc.constantFrom('7', '8'),
  }),
  body: fc
    .integer({ min: -5, max: 60 })
    .map((count) => JSON.stringify({ Mode: { Replicated: { Replicas: count } } })),
})
const request = fc.oneof(anything, near)

test.each(['compose', 'swarm'] as const)(
  'whatever a proxy of %s is asked, nothing but a worker is touched',
  async (kind) => {
    const workers = new Set(WORKERS.map(({ Id }) => Id))
    const allowed = [
      ...[...workers].map(
        (id) => new RegExp(`^(POST /containers/${id}/(start|stop|kill|wait)|DELETE /containers/${id})$`),
      ),
      kind === 'compose' ? /^POST \/containers\/create$/ : /^POST \/services\/s1\/update$/,
    ]
    let passed = 0
    await fc.assert(
      fc.asyncProperty(request, async ({ method, path, query, body }) => {
        const labelled =
          kind === 'compose'
            ? [...WORKERS, ...STRANGERS]
            : [
                ...WORKERS.map((worker) => ({
                  ...worker,
                  Config: { ...worker.Config, Labels: { [SWARM_SERVICE]: 'p_worker' } },
                })),
                ...STRANGERS,
              ]
        const { engine, done } = gateOf(kind, labelled)
        const gate = createGate({ engine, confines: { kind, project: 'p', service: 'worker' }, log })
        const hasBody = body !== undefined && !['GET', 'HEAD'].includes(method)
        await gate.answer(
          new Request(`http://proxy${path}?${new URLSearchParams(query)}`, {
            method,
            ...(hasBody && { body }),
          }),
        )
        for (const call of done()) {
          passed++
          const line = `${call.method} ${call.path}`
          expect({ line, isAllowed: allowed.some((pattern) => pattern.test(line)) }).toEqual({
            line,
            isAllowed: true,
          })
          if (line.endsWith('/create')) expect(call.options.query?.name).toMatch(/^p-worker-[1-9]\d{0,3}$/)
        }
        // Even what is only looked at is looked at by a name that has no meaning in a path.
        for (const { path: asked } of engine.calls)
          expect(asked).toMatch(/^\/(containers|services)\/[A-Za-z0-9][\w.-]*(\/[a-z]+)?$/)
      }),
      { numRuns: 3000 },
    )
    expect(passed).toBeGreaterThan(0) // or the property says nothing
  },
)
