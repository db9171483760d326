import { expect, test } from 'bun:test'
import { waitFor } from '../support/wait.ts'
import { addressOf, createStand, type Stand, wayTo } from './stand.ts'

const isOffline = (stand: Stand, name: string) =>
  waitFor(
    async () => (await stand.sql`SELECT FROM workers WHERE name = ${name} AND offline_at IS NOT NULL`).length,
    { what: `${name} to be given up` },
  )

test('killed before it acknowledged a task: the task runs elsewhere, uncharged', async () => {
  const stand = await createStand()
  const to = [addressOf(await stand.coordinator())]
  const killed = await stand.worker('killed', to)
  killed.kill('SIGSTOP')
  const [id = ''] = await stand.submit(1, 0)
  await stand.until(id, { state: 'assigned', attempt: 1 })
  killed.kill('SIGKILL')
  await stand.worker('other', to)
  await stand.until(id, { state: 'completed', workerName: 'other', attempt: 2, losses: 0, failures: 0 })
  expect(await stand.past(id)).toMatchObject([{ attempt: 1, outcome: 'lost', workerName: 'killed' }])
  expect((await stand.history(id)).map(({ attempt }) => attempt)).toEqual([2, 2])
})

test('killed while it ran a task: the task runs elsewhere at once', async () => {
  const stand = await createStand()
  const to = [addressOf(await stand.coordinator())]
  const workers = await Promise.all(['a', 'b'].map((name) => stand.worker(name, to)))
  const [id = ''] = await stand.submit(1, 800)
  const { pid } = await stand.happened(id, 1, 'start')
  await stand.until(id, { state: 'running' })
  process.kill(pid, 'SIGKILL')
  const killedAt = performance.now()
  const second = await stand.happened(id, 2, 'start')
  // A tenth of it, on a machine that has nothing else to do; see bun run bench --faults.
  expect(performance.now() - killedAt).toBeLessThan(3000)
  expect(workers.map((worker) => worker.pid)).toContain(second.pid)
  expect(second.pid).not.toBe(pid)
  await stand.until(id, { state: 'completed', attempt: 2, losses: 1, failures: 0 })
  expect(await stand.past(id)).toMatchObject([{ attempt: 1, outcome: 'lost' }])
})

test('killed after the side effect, before it could say so: the task runs again and ends once', async () => {
  const stand = await createStand()
  const coordinator = await stand.coordinator()
  const way = await wayTo(coordinator)
  const killed = await stand.worker('killed', [addressOf(way)])
  const [id = ''] = await stand.submit(1, 200)
  await stand.until(id, { state: 'running' })
  way.set({ kind: 'hole' })
  await stand.happened(id, 1, 'completed')
  killed.kill('SIGKILL')
  await stand.worker('other', [addressOf(coordinator)])
  await stand.until(id, { state: 'completed', workerName: 'other', attempt: 2, losses: 1 })
  const completed = (await stand.history(id)).filter(({ event }) => event === 'completed')
  expect(completed.map(({ attempt }) => attempt)).toEqual([1, 2])
})

test('killed after the result was sent, before it was acknowledged: the task is not run again', async () => {
  const stand = await createStand()
  const coordinator = await stand.coordinator()
  const way = await wayTo(coordinator)
  const killed = await stand.worker('killed', [addressOf(way)])
  const [id = ''] = await stand.submit(1, 200)
  await stand.until(id, { state: 'running' })
  way.set({ kind: 'deaf' })
  await stand.until(id, { state: 'completed', attempt: 1 })
  killed.kill('SIGKILL')
  await stand.worker('other', [addressOf(coordinator)])
  await isOffline(stand, 'killed')
  // What comes after it shows that the first was left alone.
  const [next = ''] = await stand.submit(1, 0)
  await stand.until(next, { state: 'completed', workerName: 'other' })
  expect(await stand.task(id)).toMatchObject({
    state: 'completed',
    attempt: 1,
    workerName: 'killed',
    losses: 0,
  })
  expect((await stand.history(id)).map(({ event }) => event)).toEqual(['start', 'completed'])
})

test('a task that kills every worker fails, while the others complete', async () => {
  const stand = await createStand()
  const to = [addressOf(await stand.coordinator())]
  await Promise.all(Array.from({ length: 6 }, (_, index) => stand.worker(`w${index}`, to)))
  const others = await stand.submit(30, 50)
  const [id = ''] = await stand.submit(1, 50, { payload: { duration_ms: 50, crash: true } })
  const failed = await stand.until(id, { state: 'failed' }, 20_000)
  expect(failed).toMatchObject({ error: 'worker lost 5 times', losses: 5, failures: 0 })
  for (const other of others) await stand.until(other, { state: 'completed' })
}, 40_000)
