import { expect, test } from 'bun:test'
import { createFleet, type Fleet } from '../../../src/cli/up/fleet.ts'
import type { Supervised } from '../../../src/cli/up/supervisor.ts'
import type { FleetReply } from '../../../src/shared/fleet.ts'

/** Workers that are not processes: what was done to each, and the end of its draining in the test's hands. */
function createStand() {
  const log: string[] = []
  const drained = new Map<string, () => void>()
  let lastPid = 0
  const start = (name: string): Supervised => {
    log.push(`start ${name}`)
    const pid = ++lastPid
    return {
      name,
      pid,
      ready: new Promise(() => {}),
      async kill() {
        log.push(`kill ${name}`)
      },
      stop() {
        log.push(`stop ${name}`)
        return new Promise((resolve) => drained.set(name, resolve))
      },
    }
  }
  return { fleet: createFleet({ start, drainLimitMs: 1 }), log, drained }
}

const names = (fleet: Fleet) => fleet.workers().map(({ name }) => name)

test('workers are named by the lowest free numbers', async () => {
  const { fleet, drained } = createStand()
  fleet.scale(3)
  fleet.scale(1)
  fleet.scale(3)
  expect(names(fleet)).toEqual(['worker-1', 'worker-4', 'worker-5'])
  drained.get('worker-2')?.()
  drained.get('worker-3')?.()
  await Promise.resolve()
  await new Promise(setImmediate)
  fleet.scale(5)
  expect(names(fleet)).toEqual(['worker-1', 'worker-4', 'worker-5', 'worker-2', 'worker-3'])
})

test('scaling down drains the newest first', () => {
  const { fleet, log } = createStand()
  fleet.scale(4)
  fleet.scale(2)
  expect(log.slice(4)).toEqual(['stop worker-4', 'stop worker-3'])
})

test('scaling to the present count changes nothing', () => {
  const { fleet, log } = createStand()
  fleet.scale(2)
  fleet.scale(2)
  expect(log).toEqual(['start worker-1', 'start worker-2'])
})

test('a request is answered with the command that does the same', async () => {
  const { fleet, log } = createStand()
  expect(await fleet.answer({ id: 1, ask: { scale: 2 } })).toEqual({
    id: 1,
    ok: true,
    command: 'bun run taskmaster scale 2 --server http://localhost:8081',
  })
  const killed = await fleet.answer({ id: 2, ask: { kill: 'worker-2' } })
  expect(killed).toEqual({ id: 2, ok: true, command: 'kill -KILL 2' })
  expect(log.at(-1)).toBe('kill worker-2')
})

test.each([{ scale: 51 }, { scale: -1 }, { scale: 1.5 }])('%j is refused', async (ask) => {
  const reply = (await createStand().fleet.answer({ id: 1, ask })) as FleetReply
  expect(reply).toMatchObject({ id: 1, ok: false, code: 'invalid' })
})

test('a kill of what does not run here is refused and harms nothing', async () => {
  const { fleet, log } = createStand()
  fleet.scale(1)
  expect(await fleet.answer({ id: 1, ask: { kill: 'worker-2' } })).toMatchObject({
    ok: false,
    code: 'not_found',
  })
  expect(log).toEqual(['start worker-1'])
})

test('what is no request is not answered', () => {
  const { fleet } = createStand()
  expect([null, 'scale', { id: 1 }, { ask: { scale: 1 } }].map((message) => fleet.answer(message))).toEqual([
    null,
    null,
    null,
    null,
  ])
})

test('a worker that is being drained can still be killed', async () => {
  const { fleet, log } = createStand()
  fleet.scale(2)
  fleet.scale(1)
  await fleet.kill('worker-2')
  expect(log.at(-1)).toBe('kill worker-2')
})
