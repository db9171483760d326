import { expect, test } from 'bun:test'
import { documentedClient } from '../support/client.ts'
import { startFakeWorker } from '../support/fake-worker.ts'
import type { Service } from '../support/processes.ts'
import { type System, startSystem, type TaskRow } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

const TWO = ['worker-1', 'worker-2']
/** Given up after two seconds of silence. */
const FRAIL = { HEARTBEAT_INTERVAL: '200', MAX_HEARTBEAT_MISSES: '10' }

async function idOf(system: System, name: string): Promise<number> {
  const listed = await system.get<{ id: number; name: string }[]>('/api/workers')
  return listed.find((worker) => worker.name === name)!.id
}

async function allRunning(system: System, ids: string[]): Promise<TaskRow[]> {
  return await waitFor(
    async () => {
      const rows = await system.rows(ids)
      return rows.every(({ state }) => state === 'running') && rows
    },
    { what: 'all tasks to run' },
  )
}

const submitted = (system: System, count: number, durationMs: number) =>
  Promise.all(Array.from({ length: count }, () => system.submit({ durationMs })))

const said = ({ logs }: Service, message: string) => logs.filter(({ msg }) => msg === message).length

test('the tasks of a worker that is killed run again elsewhere within 2 s, as their second attempt', async () => {
  const system = await startSystem({ workers: TWO })
  const ids = await submitted(system, 4, 3000)
  const before = await allRunning(system, ids)
  const victim = await idOf(system, 'worker-1')
  const lost = before.filter(({ workerId }) => workerId === victim).map(({ id }) => id)
  expect(lost).toHaveLength(2)

  system.workers.get('worker-1')!.kill('SIGKILL')
  const killedAt = performance.now()
  const again = await waitFor(
    async () => {
      const rows = await system.rows(lost)
      return rows.every(({ state, attempt }) => state === 'running' && attempt === 2) && rows
    },
    { what: 'them to run again', timeoutMs: 2000 },
  )
  console.log(`loss: running elsewhere ${(performance.now() - killedAt).toFixed(0)} ms after SIGKILL`)
  const survivor = await idOf(system, 'worker-2')
  expect(again.every(({ workerId }) => workerId === survivor)).toBeTrue()
  const messages = system.coordinator.logs.map(({ msg }) => msg)
  expect(messages).toContain(`Removing inactive worker: ${victim}`)

  const ended = await system.ended(ids)
  for (const { id, state, attempt, failures } of ended) {
    expect({ state, failures }).toEqual({ state: 'completed', failures: 0 })
    expect(attempt).toBe(lost.includes(id) ? 2 : 1)
  }
})

test('every outcome survives a coordinator that is killed under load, and what ran keeps its attempt', async () => {
  const system = await startSystem({ workers: TWO, env: { TASK_PROCESS_TIME: '10' } })
  const long = await submitted(system, 4, 2500)
  await allRunning(system, long)
  const short = await system.burst(1000)
  await waitFor(async () => (await system.rows(short)).some(({ state }) => state === 'completed'), {
    what: 'the burst to be under way',
  })
  system.coordinator.kill('SIGKILL')
  await system.coordinator.exited
  const atKill = await system.rows([...long, ...short])
  expect(atKill.filter(({ state }) => state === 'completed').length).toBeLessThan(1000)
  const killedAt = performance.now()
  await system.restartCoordinator()
  const rows = await system.ended([...long, ...short], 30_000)
  console.log(
    `loss: all outcomes ${((performance.now() - killedAt) / 1000).toFixed(1)} s after the coordinator was killed`,
  )

  const ran = new Set(atKill.filter(({ state }) => /running|completed/.test(state)).map(({ id }) => id))
  for (const { id, state, attempt, failures } of rows) {
    expect({ state, failures }).toEqual({ state: 'completed', failures: 0 })
    if (ran.has(id)) expect(attempt).toBe(1)
    else expect(attempt).toBeLessThanOrEqual(2) // it may have been on its way to a worker
  }
  for (const id of long) expect(ran).toContain(id)
  for (const worker of system.workers.values()) expect(said(worker, 'Connected to coordinator')).toBe(2)
})

test('tasks that end while no coordinator is there are reported to the next one', async () => {
  const system = await startSystem({ workers: ['worker-1'] })
  const ids = await submitted(system, 5, 700)
  const running = await allRunning(system, ids)
  system.coordinator.kill('SIGKILL')
  await system.coordinator.exited
  // Longer than the tasks take: their ends have nowhere to go.
  await waitFor(() => Date.now() > running[4]!.startedAt!.getTime() + 1200, { what: 'them to end' })
  expect((await system.rows(ids)).every(({ state }) => state === 'running')).toBeTrue()
  const restartedAt = Date.now()
  await system.restartCoordinator()
  const rows = await system.ended(ids)
  for (const { state, attempt, completedAt } of rows) {
    expect({ state, attempt }).toEqual({ state: 'completed', attempt: 1 })
    // When they ended, not when that became known.
    expect(completedAt!.getTime()).toBeLessThan(restartedAt)
  }
})

test('a coordinator that is told to stop loses nothing either', async () => {
  const system = await startSystem({ workers: TWO, env: { TASK_PROCESS_TIME: '10' } })
  const ids = await system.burst(1000)
  await waitFor(async () => (await system.rows(ids)).some(({ state }) => state === 'completed'), {
    what: 'the burst to be under way',
  })
  expect(await system.coordinator.stop()).toBe(0)
  expect((await system.rows(ids)).some(({ state }) => state === 'pending')).toBeTrue()
  await system.restartCoordinator()
  const rows = await system.ended(ids, 30_000)
  expect(rows.every(({ state, failures }) => state === 'completed' && failures === 0)).toBeTrue()
})

test('a worker that is told to stop finishes what runs, hands back what waits, and fails nothing', async () => {
  const system = await startSystem({ workers: TWO, env: { TASK_PROCESS_TIME: '1' } })
  const leaver = system.workers.get('worker-1') as Service
  const leaverId = await idOf(system, 'worker-1')
  const long = await submitted(system, 4, 1500)
  const running = await allRunning(system, long)
  // Short enough to be queued ahead in both.
  const short = await system.burst(3000)
  await waitFor(async () => (await system.rows(short)).some(({ state }) => state === 'completed'), {
    what: 'the burst to be under way',
  })
  expect(await leaver.stop()).toBe(0)
  const rows = await system.ended([...long, ...short], 30_000)
  expect(rows.filter(({ state, failures }) => state !== 'completed' || failures > 0)).toEqual([])
  for (const { id, attempt, workerId } of rows.slice(0, long.length)) {
    expect(attempt).toBe(1)
    expect(workerId).toBe(running.find((task) => task.id === id)!.workerId)
  }
  const own = running.filter(({ workerId }) => workerId === leaverId)
  expect(own).toHaveLength(2)
  const handedBack = rows.filter(({ attempt }) => attempt > 1)
  console.log(`loss: ${handedBack.length} tasks handed back on SIGTERM`)
  expect(handedBack.every(({ workerId, attempt }) => workerId !== leaverId || attempt === 1)).toBeTrue()
  expect((await system.get<{ name: string }[]>('/api/workers')).map(({ name }) => name)).toEqual(['worker-2'])
})

test('a worker that falls silent is given up, and its late result changes nothing', async () => {
  const system = await startSystem({ workers: TWO, env: FRAIL })
  const frozen = system.workers.get('worker-1') as Service
  const frozenId = await idOf(system, 'worker-1')
  const ids = await submitted(system, 4, 2000)
  const before = await allRunning(system, ids)
  const lost = before.filter(({ workerId }) => workerId === frozenId).map(({ id }) => id)
  expect(lost).toHaveLength(2)

  frozen.kill('SIGSTOP')
  const frozenAt = performance.now()
  await waitFor(() => said(system.coordinator, `Removing inactive worker: ${frozenId}`) === 1, {
    what: 'it to be given up',
    timeoutMs: 5000,
  })
  console.log(`loss: given up ${(performance.now() - frozenAt).toFixed(0)} ms after the last sign of life`)
  const again = await allRunning(system, lost)
  const survivorId = await idOf(system, 'worker-2')
  expect(again.map(({ attempt, workerId }) => ({ attempt, workerId }))).toEqual(
    lost.map(() => ({ attempt: 2, workerId: survivorId })),
  )

  // Back while the second attempts run: the first ones end, and are nobody's business any more.
  frozen.kill('SIGCONT')
  await waitFor(() => said(frozen, 'Connected to coordinator') === 2, { what: 'it to come back' })
  const rows = await system.ended(ids)
  const outcomes = rows.map(({ id, state, attempt, failures }) => ({ id, state, attempt, failures }))
  expect(outcomes).toEqual(
    ids.map((id) => ({ id, state: 'completed', attempt: lost.includes(id) ? 2 : 1, failures: 0 })),
  )
  for (const row of rows.filter(({ id }) => lost.includes(id))) {
    expect(row.workerId).not.toBe(frozenId)
    expect(row.completedAt!.getTime() - row.startedAt!.getTime()).toBeGreaterThanOrEqual(1950)
  }
  // It is of use again, so whatever it had to say about the past has been said.
  const next = await system.ended(await submitted(system, 10, 50))
  expect(next.some(({ workerId }) => workerId === frozenId)).toBeTrue()
  expect(await system.rows(ids)).toEqual(rows)
})

test('leases are renewed as often as workers beat, so that none ends between two beats', async () => {
  const system = await startSystem({ env: FRAIL })
  const client = documentedClient(system.address)
  await startFakeWorker({ id: 9, coordinator: system.address, reports: true, heartbeatMs: 100 })
  const renewals = new Set<string>()
  await waitFor(
    async () => {
      const [worker, ...others] = await client.listWorkers()
      expect(others).toEqual([])
      renewals.add(worker?.last_active_at ?? 'never')
      return renewals.size > 8
    },
    { what: 'more renewals than one a second', timeoutMs: 6000 },
  )
  expect(renewals).not.toContain('never')
  expect(system.coordinator.logs.filter(({ msg }) => msg.startsWith('Removing'))).toEqual([])
})
