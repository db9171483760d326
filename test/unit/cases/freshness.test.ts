import { expect, test } from 'bun:test'
import { ageOf, freshnessOf, type Received } from '../../../web/src/live/freshness.ts'

const received = (type: Received['message']['type'], dataAgeMs: number | null): Received => ({
  message: { type, dataAgeMs },
  at: 1000,
})

test('what is shown is live for three seconds after it was known to be current, and stale then', () => {
  const is = (now: number) => freshnessOf('live', received('delta', 500), true, now)
  expect([is(1000), is(3500), is(3501), is(60_000)]).toEqual(['live', 'live', 'stale', 'stale'])
  expect(ageOf(received('delta', 500), 8000)).toBe(7500)
})

test('it is stale at once when the server says that its figures are old, however often it says so', () => {
  expect(freshnessOf('live', received('delta', 3001), true, 1000)).toBe('stale')
})

test('a page that was never told anything says so, and never calls that live', () => {
  expect(freshnessOf('connecting', null, false, 1000)).toBe('connecting')
  expect(freshnessOf('live', received('unknown', null), false, 1000)).toBe('unknown')
  // Signs of life follow, which hold no figures for those who have none.
  expect(freshnessOf('live', received('delta', 0), false, 1000)).toBe('unknown')
  expect(ageOf(received('unknown', null), 8000)).toBeNull()
})

test('a connection that is lost says so, whatever was told before', () => {
  expect(freshnessOf('disconnected', received('snap', 0), true, 1000)).toBe('disconnected')
})
