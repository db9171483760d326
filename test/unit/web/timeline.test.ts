import { expect, test } from 'bun:test'
import { createTimeline } from '../../../web/src/live/timeline.ts'

const at = (ms: number) => new Date(ms).toISOString()
const attempt = (
  number: number,
  picked: number,
  started: number | null,
  ended: number | null,
  outcome: string | null,
) => ({
  attempt: number,
  worker: 'w1',
  slot: 0,
  picked_at: at(picked),
  started_at: started === null ? null : at(started),
  ended_at: ended === null ? null : at(ended),
  outcome,
  error: null,
})

test('waits and runs of all attempts are on one scale', () => {
  const { rows, begin, end } = createTimeline(
    {
      scheduled_at: at(1000),
      created_at: at(0),
      attempts: [attempt(1, 2000, 3000, 5000, 'lost'), attempt(2, 6000, 7000, 11_000, 'completed')],
    },
    99_000,
  )
  expect([begin, end]).toEqual([1000, 11_000])
  expect(rows[0]).toMatchObject({
    queued: { from: 0, to: 0.1, ms: 1000 },
    waited: { from: 0.1, to: 0.2 },
    ran: { from: 0.2, to: 0.4 },
  })
  expect(rows[1]).toMatchObject({ queued: { from: 0.4, to: 0.5 }, ran: { from: 0.6, to: 1, ms: 4000 } })
})

test('what goes on reaches to now', () => {
  const { rows, end } = createTimeline(
    { scheduled_at: at(0), created_at: at(0), attempts: [attempt(1, 100, 200, null, null)] },
    1000,
  )
  expect(end).toBe(1000)
  expect(rows[0]?.ran).toMatchObject({ to: 1, ms: 800 })
})

test('an attempt that never started only waited', () => {
  const { rows } = createTimeline(
    { scheduled_at: at(0), created_at: at(0), attempts: [attempt(1, 100, null, 400, 'returned')] },
    1000,
  )
  expect(rows[0]).toMatchObject({ waited: { ms: 300 }, ran: null })
})
