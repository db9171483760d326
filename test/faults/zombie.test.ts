import { expect, test } from 'bun:test'
import { waitFor } from '../support/wait.ts'
import { addressOf, createStand, wayTo } from './stand.ts'

test('what a worker that was frozen past its lease says when it thaws is refused', async () => {
  const stand = await createStand()
  const to = [addressOf(await stand.coordinator())]
  const zombie = await stand.worker('zombie', to)
  const [id = ''] = await stand.submit(1, 1500)
  await stand.happened(id, 1, 'start')
  await stand.until(id, { state: 'running' })
  zombie.kill('SIGSTOP')
  await stand.worker('other', to)
  await stand.until(id, { state: 'running', attempt: 2, workerName: 'other' })
  // Its own timer has run out by then: it ends at once, and says so, while the newer attempt runs.
  await waitFor(async () => (await stand.happened(id, 2, 'start')).at + 1000 < Date.now(), {
    what: 'the first attempt to be due',
  })
  zombie.kill('SIGCONT')
  await stand.happened(id, 1, 'completed')
  await waitFor(() => zombie.logs.filter(({ msg }) => msg === 'Connected to coordinator').length === 2, {
    what: 'the zombie to have offered what it has',
  })
  const ended = await stand.until(id, { state: 'completed' })
  expect(ended).toMatchObject({ attempt: 2, workerName: 'other', losses: 1 })
  const second = await stand.happened(id, 2, 'completed')
  expect(ended.completedAt?.getTime()).toBeGreaterThan(second.at - 200)
  expect(await stand.past(id)).toMatchObject([{ attempt: 1, outcome: 'lost', workerName: 'zombie' }])
})

test('a worker behind a black hole loses its tasks, and is given new ones when it is back', async () => {
  const stand = await createStand()
  const coordinator = await stand.coordinator()
  const way = await wayTo(coordinator)
  await stand.worker('cut-off', [addressOf(way)])
  const [id = ''] = await stand.submit(1, 1000)
  await stand.until(id, { state: 'running', workerName: 'cut-off' })
  way.set({ kind: 'hole' })
  const holedAt = performance.now()
  const other = await stand.worker('other', [addressOf(coordinator)])
  await stand.until(id, { state: 'running', attempt: 2, workerName: 'other' })
  // Three beats of 500 ms, looked at every second; and whatever else the machine does.
  expect(performance.now() - holedAt).toBeLessThan(6000)
  await stand.until(id, { state: 'completed', attempt: 2 })
  way.set(null)
  other.kill('SIGKILL')
  const [next = ''] = await stand.submit(1, 0)
  await stand.until(next, { state: 'completed', workerName: 'cut-off' })
  expect(await stand.task(id)).toMatchObject({ state: 'completed', attempt: 2, workerName: 'other' })
})
