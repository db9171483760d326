import { expect, test } from 'bun:test'
import pino from 'pino'
import { createComposeFleet } from '../../../src/scheduler/fleet/compose.ts'
import { createSwarmFleet } from '../../../src/scheduler/fleet/swarm.ts'
import { NUMBER, PROJECT, SERVICE, STACK, SWARM_SERVICE } from '../../../src/shared/docker/labels.ts'
import { createFakeEngine, fakeContainer } from '../../support/fake-engine.ts'
import fc from '../../support/property.ts'

const log = pino({ level: 'silent' })
const labels = (service: string) => ({
  [PROJECT]: 'p',
  [SERVICE]: service,
  [SWARM_SERVICE]: `p_${service}`,
  [STACK]: 'p',
  [NUMBER]: '1',
})
const WORKER = fakeContainer('a1', 'p-worker-1', labels('worker'))
const POSTGRES = fakeContainer('b1', 'p-postgres-1', labels('postgres'))
const SERVICES = [
  {
    ID: 's1',
    Version: { Index: 7 },
    Spec: { Name: 'p_worker', Labels: { [STACK]: 'p' }, Mode: { Replicated: { Replicas: 1 } } },
  },
]

const FLEETS = {
  compose: (engine: ReturnType<typeof createFakeEngine>) =>
    createComposeFleet({ engine, project: 'p', service: 'worker', stopLimitMs: 1000, log }),
  swarm: (engine: ReturnType<typeof createFakeEngine>) => createSwarmFleet({ engine, service: 'p_worker' }),
}

test.each(['compose', 'swarm'] as const)(
  'whatever name is to be killed, %s kills nothing but a worker',
  async (kind) => {
    const names = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '',
        '/',
        '..',
        WORKER.Id,
        POSTGRES.Id,
        'p-postgres-1',
        POSTGRES.Config.Hostname,
        'p-worker-1',
      ),
    )
    await fc.assert(
      fc.asyncProperty(names, async (name) => {
        const engine = createFakeEngine([WORKER, POSTGRES], SERVICES)
        const fleet = FLEETS[kind](engine)
        const outcome = await fleet.kill({ id: 1, name, hostname: name }).then(
          () => 'killed',
          () => 'refused',
        )
        expect({ name, outcome }).toEqual({
          name,
          outcome: name === WORKER.Config.Hostname ? 'killed' : 'refused',
        })
        for (const { method, path } of engine.calls) {
          if (method === 'POST') expect(path).toStartWith(`/containers/${WORKER.Id}/`)
          else expect(path).toBe('/containers/json')
        }
        // The name of a container leads to it only when it is a worker's.
        const hostname = await fleet.hostnameOf?.(name)
        expect({ name, hostname }).toEqual({
          name,
          hostname: name === 'p-worker-1' ? WORKER.Config.Hostname : null,
        })
      }),
      { numRuns: 500 },
    )
    const engine = createFakeEngine([WORKER, POSTGRES], SERVICES)
    await FLEETS[kind](engine).kill({ id: 1, name: 'w', hostname: WORKER.Config.Hostname })
    expect(engine.calls.map(({ path }) => path)).toContain(`/containers/${WORKER.Id}/kill`)
  },
)

test.each(['compose', 'swarm'] as const)(
  'no count reaches the engine of %s but a whole number from 1 to 50',
  async (kind) => {
    const counts = fc.oneof(fc.double(), fc.integer(), fc.integer({ min: -5, max: 60 }))
    await fc.assert(
      fc.asyncProperty(counts, async (count) => {
        const engine = createFakeEngine([WORKER, POSTGRES], SERVICES)
        const isFine = Number.isInteger(count) && count >= 1 && count <= 50
        const outcome = await FLEETS[kind](engine)
          .scale(count)
          .then(
            () => true,
            () => false,
          )
        expect({ count, outcome }).toEqual({ count, outcome: isFine })
        if (!isFine) expect(engine.calls).toEqual([])
        if (isFine && kind === 'compose') {
          const created = engine.calls.filter(({ path }) => path === '/containers/create')
          expect(created.map(({ options }) => options.query?.name).sort()).toEqual(
            Array.from({ length: count - 1 }, (_, index) => `p-worker-${index + 2}`).sort(),
          )
        }
      }),
      { numRuns: 300 },
    )
  },
)

test('a project or a service whose name could mean something else is refused', () => {
  const engine = createFakeEngine([])
  for (const name of ['', '../x', 'a/b', 'a b', '-x', 'x?y', 'a"b']) {
    const options = { engine, stopLimitMs: 1000, log }
    expect(() => createComposeFleet({ ...options, project: name, service: 'worker' })).toThrow('is no name')
    expect(() => createComposeFleet({ ...options, project: 'p', service: name })).toThrow('is no name')
    expect(() => createSwarmFleet({ engine, service: name })).toThrow('is no name')
  }
})
