import { expect, test } from 'bun:test'
import { PLAIN } from '../../../src/shared/core/lane.ts'
import { LOGS_CHANNEL, listen } from '../../../src/shared/store/channel.ts'
import { connect, type Sql } from '../../../src/shared/store/connect.ts'
import { retryTasks, returnTasks, STRICT, settleTasks } from '../../../src/shared/store/dispatch.ts'
import { storeClaimed } from '../../../src/shared/store/express.ts'
import { claimGoverned } from '../../../src/shared/store/governed.ts'
import { createTransactions } from '../../../src/shared/store/transactions.ts'
import { createTestDatabase } from '../../support/database.ts'
import { claim, insert, NOW, newTask, register, reportOf } from '../../support/store.ts'
import { waitFor } from '../../support/wait.ts'

const CHANNELS = ['due', 'events', 'parents', 'queues', 'cancel'].map((name) => `taskmaster_${name}`)
const END = 'the end'

test('no trigger is on the tables of the hot path', async () => {
  const { sql } = await createTestDatabase()
  const triggers = await sql`
    SELECT tgname, tgrelid::regclass::text AS table FROM pg_trigger
    WHERE tgrelid = ANY('{task_records,ready,held,attempts,task_logs}'::text[]::regclass[]) AND NOT tgisinternal`
  expect([...triggers]).toEqual([])
})

/** All that is told, in the order in which it was committed. */
async function hear(sql: Sql): Promise<{ told: string[]; atEnd: () => Promise<string[]> }> {
  const told: string[] = []
  const onMessage = (channel: string) => (payload: string) => void told.push(`${channel} ${payload}`)
  for (const channel of [...CHANNELS, LOGS_CHANNEL]) await listen(sql, channel, onMessage(channel), () => {})
  return {
    told,
    async atEnd() {
      await sql`SELECT notify_hint(${LOGS_CHANNEL}, ${END})`
      await waitFor(() => told.at(-1)?.endsWith(END), { what: 'the last notice' })
      return told.slice(0, -1)
    },
  }
}

/** Inserts, claims, stores claimed, and ends tasks in every way; with limits, keys and dependents, which have notices of their own. */
async function runAll(sql: Sql): Promise<void> {
  await insert(sql, 8, { queue: 'mail', concurrencyKey: 'k', hasDependents: true })
  await insert(sql, 8, { maxRetries: 1, hasDependents: true })
  const tasks = await claim(sql, 8)
  const within = { run: <T>(work: (tx: Sql) => Promise<T>) => work(sql), end: async () => {} }
  tasks.push(...(await claimGoverned(within, [1, 1], PLAIN, STRICT)))
  expect(tasks).toHaveLength(10)
  const others = null
  const quick = ['default', 'quick'].map((queue) => ({ task: newTask({ queue }), workerId: 1, others }))
  expect(await storeClaimed(sql, quick, {})).toHaveLength(2)
  const [a, b, c, d, ...rest] = tasks
  await settleTasks(sql, [reportOf(a!, 'started'), reportOf(b!, 'started')], NOW)
  await retryTasks(sql, [reportOf(b!, 'failed')], NOW, { baseMs: 0, capMs: 0 })
  await returnTasks(sql, [c!])
  const last = rest.map((task) => reportOf(task, 'completed'))
  await settleTasks(sql, [reportOf(a!, 'completed'), reportOf(d!, 'failed'), ...last], NOW)
}

test('no statement that inserts, claims or settles tasks notifies', async () => {
  const { sql } = await createTestDatabase()
  await register(sql, 1)
  const { atEnd } = await hear(sql)
  // Within a transaction, nobody passes on what they return.
  await sql.begin((tx) => runAll(tx as unknown as Sql))
  expect(await atEnd()).toEqual([])
})

test('what they return is told once they are committed, and not if they are taken back', async () => {
  const { sql, settings } = await createTestDatabase()
  await register(sql, 1)
  const transactions = createTransactions(sql, () => connect({ ...settings, poolMax: 1 }), 10_000)
  const { told, atEnd } = await hear(sql)
  const broken = transactions.run(async (tx) => {
    await runAll(tx)
    throw new Error('taken back')
  })
  await expect(broken).rejects.toThrow('taken back')
  expect(await atEnd()).toEqual([])
  await transactions.run(runAll)
  await waitFor(() => told.some((notice) => notice.includes('"completed"')), { what: 'the notices' })
  const kinds = new Set(told.flatMap((notice) => /"type" ?: ?"(\w+)"/.exec(notice)?.[1] ?? []))
  expect([...kinds].sort()).toEqual([
    'assigned',
    'completed',
    'failed',
    'reassigned',
    'retrying',
    'running',
    'scheduled',
  ])
  for (const channel of ['due', 'parents', 'queues'])
    expect(told.some((notice) => notice.startsWith(`taskmaster_${channel} `))).toBe(true)
  await transactions.end()
})
