import { beforeEach, expect, test } from 'bun:test'
import { explainWait, type ReasonCode } from '../../../src/scheduler/why.ts'
import { type Capabilities, PLAIN } from '../../../src/shared/core/lane.ts'
import type { NewTask } from '../../../src/shared/core/task.ts'
import { connect } from '../../../src/shared/store/connect.ts'
import { claimTasks, STRICT } from '../../../src/shared/store/dispatch.ts'
import { claimGoverned } from '../../../src/shared/store/governed.ts'
import { limitQueue, pauseQueue, UNLIMITED } from '../../../src/shared/store/queues.ts'
import { createTransactions } from '../../../src/shared/store/transactions.ts'
import { registerWorker } from '../../../src/shared/store/workers.ts'
import { createTestDatabase } from '../../support/database.ts'
import fc from '../../support/property.ts'
import { COORDINATOR, claim, insert, register, reset } from '../../support/store.ts'

const database = await createTestDatabase()
const { sql } = database
const transactions = createTransactions(sql, () => connect({ ...database.settings, poolMax: 1 }), 20_000)

beforeEach(async () => {
  await reset(sql)
  await sql`DELETE FROM queues WHERE name <> 'default'`
  await sql`UPDATE queues SET paused_at = NULL, paused_by = NULL`
})

const why = (id: string) => explainWait(sql, id, { silenceMs: 15_000, startsPerSecond: 10 })
const codes = async (id: string) => (await why(id)).reasons.map(({ code }) => code)
const one = async (more: Partial<NewTask> = {}) => (await insert(sql, 1, more))[0]!
const inFuture = (ms: number) => new Date(Date.now() + ms)
const worker = (id: number, can: Capabilities) =>
  registerWorker(
    sql,
    { id, name: `w${id}`, address: '', link: 'stream', slots: 5, ...can, hostname: '', pid: 1 },
    COORDINATOR,
    crypto.randomUUID(),
  )

test('a task that is not due says for how long', async () => {
  await register(sql, 1)
  const { reasons, estimate_ms } = await why(await one({ scheduledAt: inFuture(100_000) }))
  expect(reasons).toMatchObject([
    { code: 'not_due', text: expect.stringMatching(/^It is not due for \d+ s\.$/) },
  ])
  expect(estimate_ms).toBeWithin(80_000, 100_001)
})

test('a task that no live worker can run says what is missing', async () => {
  const gpu = await one({ labels: ['gpu'] })
  expect((await why(gpu)).reasons[0]!.text).toBe('No worker is connected.')
  await register(sql, 1)
  expect((await why(gpu)).reasons[0]!.text).toBe('No live worker that runs simulate has the label gpu.')
  const shell = await one({ executor: 'shell' })
  expect((await why(shell)).reasons[0]!.text).toBe('No live worker runs shell.')
  const handler = await one({ executor: 'function', command: 'send-email' })
  expect((await why(handler)).reasons[0]!.text).toBe('No live worker runs the handler send-email.')
  await worker(2, { executors: ['simulate', 'shell'], labels: ['gpu', 'eu'] })
  expect(await codes(gpu)).toEqual(['claiming'])
  expect((await why(shell)).reasons[0]!.text).toBe('1 task is ahead of it.')
  await sql`UPDATE workers SET draining = true WHERE id = 2`
  expect(await codes(shell)).toEqual(['workers_draining'])
})

test('a paused queue, a full one and a used-up rate are said with who, how many and how long', async () => {
  await register(sql, 1)
  await limitQueue(sql, 'mail', { ...UNLIMITED, concurrency: 1, rate: 1, ratePeriodMs: 60_000 })
  const [first, second] = await insert(sql, 2, { queue: 'mail' })
  expect(await codes(first!)).toEqual(['claiming'])
  await claimGoverned(transactions, [1], PLAIN, STRICT)
  const { reasons, estimate_ms } = await why(second!)
  expect(reasons.map(({ text }) => text)).toEqual([
    'Queue mail is full: 1 of 1 tasks are at work.',
    expect.stringMatching(/^Queue mail has used up its rate of 1 in 60 s; there is room in \d+ s\.$/),
  ])
  expect(estimate_ms).toBeNull()
  await pauseQueue(sql, 'mail', 'the night shift')
  expect((await why(second!)).reasons[0]!.text).toStartWith(
    'Queue mail has been paused by the night shift since 20',
  )
})

test('a full key names the tasks that are at work for it', async () => {
  await register(sql, 1)
  await limitQueue(sql, 'mail', { ...UNLIMITED, keyConcurrency: 1 })
  const [a, b] = await insert(sql, 2, { queue: 'mail', concurrencyKey: 'user-7' })
  const [held] = await claimGoverned(transactions, [1], PLAIN, STRICT)
  const waiting = held!.taskId === a ? b! : a!
  expect((await why(waiting)).reasons).toMatchObject([{ code: 'key_full', task_ids: [held!.taskId] }])
})

test('behind others it says how many, and about how long', async () => {
  await register(sql, 1)
  await insert(sql, 5)
  await claim(sql, 5)
  await insert(sql, 300, { priority: 2 })
  const { reasons, estimate_ms } = await why(await one())
  expect(reasons.map(({ text }) => text)).toEqual([
    'All 5 slots of workers that can run it have work, and 300 tasks are ahead of it.',
  ])
  expect(estimate_ms).toBe(30_100)
})

test('what is held or has ended says where it is', async () => {
  await register(sql, 1, 'worker-1')
  const id = await one()
  await claim(sql, 1)
  expect((await why(id)).reasons[0]!.text).toStartWith('worker-1 has it')
  await sql`UPDATE tasks SET started_at = now()`
  expect((await why(id)).reasons[0]!.text).toBe('It is running on worker-1.')
  await sql`UPDATE tasks SET completed_at = now()`
  expect(await codes(id)).toEqual(['ended'])
  expect(why(crypto.randomUUID())).rejects.toMatchObject({ code: 'not_found' })
})

/** Reasons that no number of workers or of claims overcomes. */
const BLOCKING: ReasonCode[] = ['dependencies', 'not_due', 'queue_paused', 'queue_full', 'queue_rate']
const KEY_BLOCKING: ReasonCode[] = ['key_full', 'key_rate', 'no_worker']
const BLOCKED = new Set([...BLOCKING, ...KEY_BLOCKING])

test('what is said to be blocked is what the claim leaves, and of the rest only what limits leave', async () => {
  const kinds: Capabilities[] = [PLAIN, { executors: ['simulate', 'http'], labels: ['eu'] }]
  const task = fc.record({
    queue: fc.constantFrom('default', 'paused', 'few'),
    executor: fc.constantFrom('simulate', 'http', 'shell'),
    labels: fc.constantFrom<string[][]>([], ['eu'], ['gpu']),
    concurrencyKey: fc.constantFrom(null, 'a', 'b'),
    priority: fc.integer({ min: 0, max: 3 }),
    later: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(task, { minLength: 1, maxLength: 15 }), async (tasks) => {
      await reset(sql)
      await worker(1, kinds[0]!)
      await worker(2, kinds[1]!)
      await pauseQueue(sql, 'paused', null)
      await limitQueue(sql, 'few', { ...UNLIMITED, concurrency: 2, keyConcurrency: 1 })
      const ids: string[] = []
      for (const { later, ...fields } of tasks) {
        ids.push(await one({ ...fields, ...(later && { scheduledAt: inFuture(60_000) }) }))
      }
      const said = new Map<string, ReasonCode[]>()
      for (const id of ids) said.set(id, await codes(id))
      const claimedIds = new Set<string>()
      for (const [n, can] of [...kinds.entries(), ...kinds.entries()]) {
        const places = Array<number>(20).fill(n + 1)
        for (const { taskId } of await claimGoverned(transactions, places, can, STRICT))
          claimedIds.add(taskId)
        for (const { taskId } of await claimTasks(sql, places, can)) claimedIds.add(taskId)
      }
      for (const id of ids) {
        const isBlocked = said.get(id)!.some((code) => BLOCKED.has(code))
        if (claimedIds.has(id)) expect({ id, isBlocked }).toEqual({ id, isBlocked: false })
        else if (!isBlocked) {
          // The claims themselves have filled its queue or its key.
          expect(['queue_full', 'key_full']).toContain((await codes(id))[0]!)
        }
      }
    }),
    { numRuns: 25 },
  )
}, 60_000)
