import { expect, test } from 'bun:test'
import { documentedClient } from '../../support/client.ts'
import { openRaw, startStand } from '../coordinator/stand.ts'

const { address } = await startStand()

test.each([
  ['host-1', /^host-1:\d+$/],
  ['host-1:9000', /^host-1:9000$/],
  ['', /^127\.0\.0\.1:\d+$/],
  ['unix:/run/x', /^127\.0\.0\.1:\d+$/],
  ['a\0b', /^127\.0\.0\.1:\d+$/],
])('a stream worker that says it is at %p is listed as host:port', async (given, listed) => {
  const raw = await openRaw(address, { address: given })
  expect((await documentedClient(address).listWorkers()).at(-1)?.address).toMatch(listed)
  raw.cut()
})
