import { expect, test } from 'bun:test'
import type { Service } from '../support/processes.ts'
import { waitFor } from '../support/wait.ts'
import { addressOf, createStand, freePorts } from './stand.ts'

/** How long a client that was not served waits before it asks the other scheduler. */
const PAUSE_MS = 20
/** Of one client: together they submit some 200 tasks a second. */
const BETWEEN_MS = 15

test('a rolling restart of everything under load loses nothing and repeats nothing', async () => {
  const stand = await createStand()
  const [first, second, third, fourth] = (await freePorts(4)) as [number, number, number, number]
  const to = [first, second].map((port) => addressOf({ port }))
  // What is looked at is the restart; no lease is to end by itself on a busy machine.
  const lease = { HEARTBEAT_INTERVAL: '2000' }
  const starts: (() => Promise<Service>)[] = [
    ...[first, second].map((port) => () => stand.coordinator({ ...lease, COORDINATOR_PORT: String(port) })),
    ...[third, fourth].map((port) => () => stand.scheduler(to, { ...lease, SCHEDULER_PORT: String(port) })),
    ...['a', 'b', 'c'].map((name) => () => stand.worker(name, to, lease)),
  ]
  const services = await Promise.all(starts.map((start) => start()))

  const acknowledged: string[] = []
  let restarting = true
  /** Clients that go to whichever scheduler answers, and mean one task by one key. */
  async function submit(client: number) {
    for (let n = 0; restarting; n++) {
      const body = { command: 'x', payload: { duration_ms: 40 }, idempotency_key: `${client}-${n}` }
      for (let turn = client; ; turn++) {
        const port = [third, fourth][turn % 2]
        const answer = await fetch(`http://127.0.0.1:${port}/tasks`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }).catch(() => null)
        if (answer?.status === 200) {
          acknowledged.push(((await answer.json()) as { task_id: string }).task_id)
          await Bun.sleep(BETWEEN_MS)
          break
        }
        await Bun.sleep(PAUSE_MS)
      }
    }
  }
  const clients = Promise.all([0, 1, 2].map(submit))
  for (const [index, start] of starts.entries()) {
    expect(await services[index]?.stop()).toBe(0)
    services[index] = await start()
  }
  restarting = false
  await clients

  await waitFor(
    async () => {
      const [open] = await stand.sql`SELECT FROM tasks WHERE state <> 'completed' LIMIT 1`
      return !open
    },
    { what: 'every task to complete', timeoutMs: 30_000 },
  )
  const rows = await stand.sql<{ id: string; losses: number; failures: number }[]>`
    SELECT id, losses, failures FROM tasks`
  expect(rows.map(({ id }) => id).sort()).toEqual([...new Set(acknowledged)].sort())
  expect(rows.length).toBeGreaterThan(50)
  expect(rows.filter(({ losses, failures }) => losses + failures > 0)).toEqual([])
  const runs = Map.groupBy(await stand.history(), ({ taskId }) => taskId)
  for (const { id } of rows) {
    expect(runs.get(id)?.map(({ event }) => event)).toEqual(['start', 'completed'])
  }
}, 90_000)
