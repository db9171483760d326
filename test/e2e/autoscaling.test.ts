import { expect, test } from 'bun:test'
import { startUp, temporaryFolder } from '../support/up.ts'
import { waitFor } from '../support/wait.ts'

test('workers come with the queue and go when it is gone, and every task is done', async () => {
  const launcher = await startUp(await temporaryFolder(), {
    WORKERS: '1',
    AUTOSCALE: '1:3',
    AUTOSCALE_TARGET_WAIT: '1000',
    AUTOSCALE_COOL_DOWN: '3000',
  })
  const read = async <Answer>(path: string) =>
    (await (await fetch(`${launcher.url}${path}`)).json()) as Answer
  const count = (wanted: number) =>
    waitFor(async () => (await read<unknown[]>('/api/workers')).length === wanted, {
      what: `${wanted} workers`,
      timeoutMs: 30_000,
    })
  await fetch(`${launcher.url}/api/schedule/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ count: 100, payload: { duration_ms: 400 } }),
  })
  await count(3)
  const scaled = async () =>
    (await read<{ type: string; msg: string }[]>('/api/logs'))
      .filter(({ type }) => type === 'scale')
      .map(({ msg }) => msg)
  expect((await scaled())[0]).toMatch(/^Scaled to 3 workers\. \d+ tasks wait about .* from 1 to 3 workers$/)
  const stats = () => read<{ completed_tasks: number; failed_tasks: number }>('/api/stats')
  await waitFor(async () => (await stats()).completed_tasks === 100, {
    what: 'all to be done',
    timeoutMs: 30_000,
  })
  await count(1)
  expect((await scaled()).at(-1)).toMatch(/Fewer were enough for 3 s/)
  expect(await stats()).toMatchObject({ completed_tasks: 100, failed_tasks: 0 })
}, 120_000)
