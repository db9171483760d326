import { expect, test } from 'bun:test'
import { type ChangeNotice, EVENTS_CHANNEL, listen } from '../../../src/shared/store/channel.ts'
import type { Sql } from '../../../src/shared/store/connect.ts'
import { retryTasks, settleTasks } from '../../../src/shared/store/dispatch.ts'
import { loseSessions } from '../../../src/shared/store/workers.ts'
import { createTestDatabase } from '../../support/database.ts'
import fc from '../../support/property.ts'
import { claim, decided, insert, NOW, register, reportOf } from '../../support/store.ts'
import { waitFor } from '../../support/wait.ts'

const MAX_LOSSES = 5

// PostgreSQL refuses a notification of 8,000 bytes, and with it the statement that sends it: a report that
// could not be stored, or a worker whose tasks could never be put back.

const BYTES_MAX = 7999

/** As much as a hundred characters can take in JSON: a control character becomes six bytes. */
const LONGEST = '\u0001'.repeat(500)
const ERRORS = [
  LONGEST,
  'it broke',
  `quotes ' and " and \\ and \n`.repeat(20),
  '\u{1F4A5}'.repeat(200),
  '失败'.repeat(100),
  null,
]

async function hear(sql: Sql) {
  const payloads: string[] = []
  await listen(
    sql,
    EVENTS_CHANNEL,
    (payload) => payloads.push(payload),
    () => {},
  )
  /** The notices of a type once they stand for so many tasks. */
  const of = (type: string, count: number) =>
    waitFor(
      () => {
        const notices = payloads
          .map((text) => JSON.parse(text) as ChangeNotice)
          .filter((n) => n.type === type)
        return notices.reduce((sum, notice) => sum + notice.count, 0) >= count && notices
      },
      { what: `notices of ${count} ${type}` },
    )
  return { payloads, of }
}

test('whatever mixture of errors a thousand reports carry, they are stored and told of', async () => {
  const { sql } = await createTestDatabase()
  const heard = await hear(sql)
  let failed = 0
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...ERRORS),
      fc.array(fc.constantFrom(...ERRORS), { maxLength: 30 }),
      fc.nat(150),
      async (first, others, without) => {
        const errors = [
          ...Array<string | null>(10).fill(first),
          ...others,
          ...Array<null>(without).fill(null),
        ]
        await insert(sql, errors.length)
        const held = await claim(sql, errors.length, 4294967295)
        await settleTasks(
          sql,
          held.map((task, n) => reportOf(task, 'failed', { error: errors[n] ?? null, slot: 1023 })),
          NOW,
        )
        failed += errors.length
      },
    ),
    { numRuns: 15 },
  )
  const notices = await heard.of('failed', failed)
  expect(notices.reduce((sum, { count }) => sum + count, 0)).toBe(failed)
  for (const payload of heard.payloads) expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(BYTES_MAX)
})

test('the tasks of a lost worker are put back whatever errors their earlier attempts left', async () => {
  const { sql } = await createTestDatabase()
  const session = await register(sql, 1)
  await insert(sql, 30, { maxRetries: 1 })
  const failing = (await claim(sql, 30)).map((task) => reportOf(task, 'failed', { error: LONGEST }))
  await retryTasks(sql, failing, NOW, { baseMs: 0, capMs: 0 })
  await insert(sql, 170)
  expect(await claim(sql, 200)).toHaveLength(200)
  const heard = await hear(sql)
  expect(await loseSessions(sql, [session], MAX_LOSSES, await decided(sql))).toMatchObject([
    { id: 1, requeued: 200 },
  ])
  expect(await heard.of('reassigned', 200)).toMatchObject([{ count: 200 }])
})

test('of a thousand changes at once some are named and all are counted', async () => {
  const { sql } = await createTestDatabase()
  const heard = await hear(sql)
  await insert(sql, 1000)
  const held = await claim(sql, 1000)
  await settleTasks(
    sql,
    held.map((task) => reportOf(task, 'completed')),
    NOW,
  )
  for (const type of ['scheduled', 'assigned', 'completed']) {
    const [notice, ...more] = await heard.of(type, 1000)
    expect(more).toEqual([])
    expect(notice).toMatchObject({ count: 1000 })
    expect(notice!.rows).toHaveLength(60)
  }
})
