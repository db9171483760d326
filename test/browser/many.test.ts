import { beforeAll, expect, test } from 'bun:test'
import { hasBrowser, openPage } from '../support/browser.ts'
import { createTestDatabase, databaseEnv, type TestDatabase } from '../support/database.ts'
import { type Launcher, startUp, temporaryFolder } from '../support/up.ts'
import { waitFor } from '../support/wait.ts'

const BATCHES = 10
const DAY_S = 86_400
/** As the table has it. */
const ROW_HEIGHT = 40

let database: TestDatabase
let system: Launcher

beforeAll(async () => {
  if (!hasBrowser) return
  database = await createTestDatabase()
  system = await startUp(await temporaryFolder(), {
    ...databaseEnv(database.settings),
    TASK_PROCESS_TIME: '10',
  })
  for (let left = BATCHES; left > 0; left--) await create(1000, DAY_S)
}, 120_000)

async function create(count: number, delay_seconds: number) {
  const headers = { 'Content-Type': 'application/json' }
  const body = JSON.stringify({ count, delay_seconds })
  expect((await fetch(`${system.url}/api/schedule/batch`, { method: 'POST', headers, body })).status).toBe(
    200,
  )
}

test.skipIf(!hasBrowser)(
  'check 9: the order stays while a row far down has the focus, during 500 events',
  async () => {
    const { page, close } = await openPage()
    await page.goto(`${system.url}/tasks`)
    await page.locator('[data-id]').first().waitFor()
    await page.evaluate(`document.querySelector('.task-table').scrollTop = 5000 * ${ROW_HEIGHT}`)
    const row = page.locator('[data-index="5000"][data-id]')
    await row.waitFor({ timeout: 30_000 })
    await row.focus()
    const order = () =>
      page.evaluate<string>(
        `[...document.querySelectorAll('[data-id]')].map((row) => row.dataset.index + row.dataset.id).sort().join()`,
      )
    const before = await order()
    await create(500, 2 * DAY_S)
    await page.getByRole('button', { name: '500 new' }).waitFor()
    expect(await order()).toBe(before)
    expect(await page.evaluate<string>('document.activeElement.dataset.index')).toBe('5000')
    expect(await page.evaluate<number>('document.querySelectorAll("*").length')).toBeLessThan(2500)
    await close()
  },
  90_000,
)

test.skipIf(!hasBrowser)(
  'check 7: all of ten thousand that match are acted on by one request',
  async () => {
    const { page, close } = await openPage()
    const requests: string[] = []
    page.on('request', (request) => {
      if (request.url().includes('cancelMany')) requests.push(request.postData() ?? '')
    })
    await page.goto(`${system.url}/tasks?q=state%3Apending`)
    await page.getByRole('button', { name: 'Select all 10,500 tasks' }).click()
    await page.getByText('10,500 tasks selected').waitFor()
    await page.getByRole('button', { name: 'Cancel', exact: true }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel 10,500 tasks' }).click()
    await page.getByRole('status').getByText('10,500 tasks cancelled').waitFor({ timeout: 30_000 })
    expect(requests).toHaveLength(1)
    expect(requests[0]).toContain('"state":"pending"')
    const cancelled = await waitFor(
      async () => {
        const [row] = await database.sql<{ count: number }[]>`
        SELECT count(*)::int AS count FROM tasks WHERE state = 'cancelled'`
        return row?.count
      },
      { what: 'them to be cancelled' },
    )
    expect(cancelled).toBe(10_500)
    await close()
  },
  90_000,
)
