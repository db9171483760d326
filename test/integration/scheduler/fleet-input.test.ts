import { expect, test } from 'bun:test'
import pino from 'pino'
import { createComposeFleet } from '../../../src/scheduler/fleet/compose.ts'
import { NUMBER, PROJECT, SERVICE } from '../../../src/shared/docker/labels.ts'
import { createFakeEngine, fakeContainer } from '../../support/fake-engine.ts'
import fc from '../../support/property.ts'
import { createStand } from './stand.ts'

const log = pino({ level: 'silent' })
const labels = (service: string) => ({ [PROJECT]: 'p', [SERVICE]: service, [NUMBER]: '1' })

test('whatever is asked for over REST, nothing reaches the engine but whole counts and its own workers', async () => {
  const engine = createFakeEngine([
    fakeContainer('a1', 'p-worker-1', labels('worker')),
    fakeContainer('b1', 'p-postgres-1', labels('postgres')),
  ])
  const fleet = createComposeFleet({ engine, project: 'p', service: 'worker', stopLimitMs: 1000, log })
  const { post } = await createStand({ fleet })
  const nasty = fc.oneof(
    fc.jsonValue(),
    fc.string(),
    fc.double(),
    fc.integer(),
    fc.constantFrom(
      '$(reboot)',
      '; ls',
      '../postgres',
      'p-postgres-1',
      '`id`',
      '%00',
      '5',
      'a\nb',
      '-rf',
      '|x',
      '&',
    ),
  )
  let refused = 0
  await fc.assert(
    fc.asyncProperty(nasty, async (value) => {
      engine.calls.length = 0
      const killed = await post('/api/workers/kill', { name: value })
      // No worker is registered on this stand, so no name at all may kill.
      expect([400, 404]).toContain(killed.status)
      // To look whether a container is called so is to list those of the service; the name is not sent.
      for (const { method, path, options } of engine.calls) {
        expect(`${method} ${path}`).toBe('GET /containers/json')
        expect(options.query?.filters).toBe(JSON.stringify({ label: [`${PROJECT}=p`, `${SERVICE}=worker`] }))
      }
      engine.calls.length = 0
      const scaled = await post('/api/workers/scale', { count: value })
      const isFine = Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 50
      expect({ value, status: scaled.status }).toEqual({ value, status: isFine ? 200 : 400 })
      if (!isFine) {
        expect(engine.calls).toEqual([])
        refused++
      }
    }),
    { numRuns: 300 },
  )
  expect(refused).toBeGreaterThan(100)
})
