import { expect, test } from 'bun:test'
import pino from 'pino'
import { UNIMPLEMENTED } from '../../../src/worker/links/link.ts'
import { startSession } from '../../../src/worker/session.ts'
import { waitFor } from '../../support/wait.ts'

test('a coordinator that takes a worker and refuses what it reports is not stormed, nor is the log', async () => {
  const lines: { msg: string }[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  let tries = 0
  const session = startSession({
    coordinators: ['a'],
    log,
    openStream: () => Promise.resolve(UNIMPLEMENTED),
    openPush() {
      tries++
      return Promise.resolve({ lost: Promise.resolve('a status was not accepted'), drain() {}, close() {} })
    },
  })
  const startedAt = performance.now()
  await waitFor(() => performance.now() - startedAt > 1500, { what: 'a second and a half' })
  await session.stop()
  // Thirty, were each lost connection tried again as fast as the first.
  expect(tries).toBeLessThan(15)
  const counts = Map.groupBy(lines, ({ msg }) => msg)
  expect(counts.get('Lost the coordinator')?.length).toBeLessThanOrEqual(3)
  expect(counts.get('Connected to coordinator')?.length).toBeLessThanOrEqual(3)
  expect(lines.length).toBeLessThanOrEqual(7)
})
