import { expect, test } from 'bun:test'
import { createAutoscaler } from '../../../src/scheduler/autoscale/autoscaler.ts'
import { takeTurn } from '../../../src/shared/store/autoscaling.ts'
import { insert, register } from '../../support/store.ts'
import { waitFor } from '../../support/wait.ts'
import { createStand, type Stand } from './stand.ts'

const POLICY = { min: 1, max: 8, targetWaitMs: 1000, coolDownMs: 60_000 }

const autoscalerOf = ({ services }: Stand, intervalMs = 0) =>
  createAutoscaler({ ...services, fleet: { isScalable: true }, policy: POLICY, intervalMs })

test('of many schedulers that look at once, one does', async () => {
  const { sql } = await createStand()
  const turns = await Promise.all(Array.from({ length: 10 }, () => takeTurn(sql, 60_000)))
  expect(turns.filter(({ isMine }) => isMine)).toHaveLength(1)
  expect((await takeTurn(sql, 60_000)).isMine).toBeFalse()
  expect((await takeTurn(sql, 0)).isMine).toBeTrue()
})

test('a queue has workers started, and says why in the events', async () => {
  const stand = await createStand()
  await register(stand.sql, 1)
  await insert(stand.sql, 20)
  const autoscaler = autoscalerOf(stand)
  await autoscaler.tick()
  expect(stand.asked).toEqual(['scale 4'])
  const reason = '20 tasks wait about 4 s, and should 1 s: from 1 to 4 workers'
  expect(autoscaler.status()).toMatchObject({ min: 1, max: 8, reason })
  const scaled = await waitFor(
    async () =>
      (await stand.get('/api/logs')).body.find(({ type }: { type: string }) => type === 'scale') as
        | { msg: string }
        | undefined,
    { what: 'the event' },
  )
  expect(scaled.msg).toBe(`Scaled to 4 workers. ${reason}`)
})

test('tasks that are due later, or held, or ended, are no queue', async () => {
  const stand = await createStand()
  await register(stand.sql, 1)
  await insert(stand.sql, 50, { scheduledAt: new Date(Date.now() + 3_600_000) })
  const autoscaler = autoscalerOf(stand)
  await autoscaler.tick()
  expect(stand.asked).toEqual([])
  expect(autoscaler.status().reason).toBe('1 are what it takes. No task waits')
})

test('what one scheduler asked for, another does not ask for again', async () => {
  const stand = await createStand()
  await register(stand.sql, 1)
  await insert(stand.sql, 20)
  await autoscalerOf(stand).tick()
  const other = autoscalerOf(stand)
  await other.tick()
  expect(stand.asked).toEqual(['scale 4'])
  const idle = autoscalerOf(stand, 60_000)
  await idle.tick()
  expect(idle.status()).toEqual(other.status())
})

test('the interface says whether the number of workers is kept, and how', async () => {
  const stand = await createStand()
  expect((await stand.get('/api/workers/autoscaling')).body).toEqual({ enabled: false })
  stand.services.autoscaler = autoscalerOf(stand)
  await stand.services.autoscaler.tick()
  expect((await stand.get('/api/workers/autoscaling')).body).toMatchObject({
    enabled: true,
    min: 1,
    max: 8,
    reason: '0 of at least 1 are here yet',
  })
})
