import { beforeAll, expect, test } from 'bun:test'
import type { Page } from 'playwright-core'
import { hasBrowser, openPage } from '../support/browser.ts'
import { createTestDatabase, databaseEnv, type TestDatabase } from '../support/database.ts'
import { type Launcher, startUp, temporaryFolder } from '../support/up.ts'
import { waitFor } from '../support/wait.ts'

let database: TestDatabase
let system: Launcher

beforeAll(async () => {
  if (!hasBrowser) return
  database = await createTestDatabase()
  system = await startUp(await temporaryFolder(), {
    ...databaseEnv(database.settings),
    TASK_PROCESS_TIME: '20',
  })
  await post('/api/schedule/batch', { count: 40, command: 'demo-job' })
}, 120_000)

async function post(path: string, body: object): Promise<void> {
  const headers = { 'Content-Type': 'application/json' }
  const response = await fetch(`${system.url}${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  expect(response.status).toBe(200)
}

/** The ids of the rows that are in the page, in their order. */
const idsOf = (page: Page): Promise<string[]> =>
  page.evaluate(
    `[...document.querySelectorAll('[data-id]')].sort((a, b) => a.dataset.index - b.dataset.index).map((row) => row.dataset.id)`,
  )

async function goToTasks(page: Page, query: string): Promise<string[]> {
  await page.goto(`${system.url}/tasks${query}`)
  await page.locator('[data-id]').first().waitFor()
  return await idsOf(page)
}

test.skipIf(!hasBrowser)(
  'check 6: an address shows the same tasks in the same order to everyone',
  async () => {
    const query = '?q=state%3Acompleted+demo&sort=scheduled'
    const first = await openPage()
    const second = await openPage()
    const ids = await goToTasks(first.page, query)
    expect(ids.length).toBeGreaterThan(10)
    expect(await goToTasks(second.page, query)).toEqual(ids)
    await Promise.all([first.close(), second.close()])
  },
  30_000,
)

test.skipIf(!hasBrowser)(
  'a task is scheduled, found, cancelled and retried by keyboard alone',
  async () => {
    const { page, close } = await openPage()
    await page.goto(system.url)
    await page.getByRole('group', { name: 'Total', exact: true }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    await page.getByRole('heading', { name: 'Schedule a task' }).waitFor()
    await page.getByRole('textbox', { name: 'Command' }).focus()
    await page.keyboard.type('by keyboard')
    await page.getByRole('button', { name: '+1 hour' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Schedule task' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'View status' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'by keyboard' }).waitFor()
    await page.getByRole('button', { name: 'Cancel', exact: true }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('alertdialog', { name: 'Cancel this task?' }).waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Retry' }).waitFor()
    // While the dialog closes, keys are still its own.
    const isSearching = async () => {
      await page.keyboard.press('/')
      return (await page.locator('input:focus').count()) === 1
    }
    await waitFor(isSearching, { what: 'the search to have the focus' })
    await page.keyboard.type('by keyboard')
    await page.keyboard.press('Enter')
    await waitFor(async () => page.url().includes('/tasks?q=by%20keyboard'), { what: 'the search' })
    await page.locator('[data-id]').first().waitFor()
    expect(await page.locator('[data-id]').count()).toBe(1)
    await close()
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'what a filter shows can be had as a file',
  async () => {
    const { page, close } = await openPage()
    await page.goto(`${system.url}/tasks?q=state:completed`)
    const link = page.getByRole('link', { name: 'Export CSV' })
    await waitFor(async () => (await link.getAttribute('href'))?.includes('state=completed'), {
      what: 'the link',
    })
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()])
    expect(download.suggestedFilename()).toBe('tasks.csv')
    expect(await Bun.file(await download.path()).text()).toStartWith('task_id,name,state')
    await close()
  },
  30_000,
)

test.skipIf(!hasBrowser)(
  'many different tasks are submitted from the page, and a fault names its line',
  async () => {
    const { page, close } = await openPage()
    await page.goto(`${system.url}/schedule`)
    await page.getByText('Submit many different tasks').click()
    const lines = page.getByRole('textbox', { name: 'Tasks, one JSON object on each line' })
    await lines.fill('{"command": "pasted"}\n{"command": "pasted", "priority": "URGENT"}')
    await page.getByRole('button', { name: 'Submit tasks' }).click()
    await page.getByRole('alert').filter({ hasText: 'line 2: priority must be LOW' }).waitFor()
    await lines.fill('{"command": "pasted"}\n{"command": "pasted", "priority": "HIGH"}')
    await page.getByRole('button', { name: 'Submit tasks' }).click()
    await page.getByText('2 tasks submitted.').waitFor()
    await close()
  },
  30_000,
)

test.skipIf(!hasBrowser)(
  'a task that waits says why, and names what it waits for as links',
  async () => {
    const { page, close } = await openPage()
    const held = '00000000-0000-4000-8000-00000000000a'
    await database.sql`INSERT INTO tasks (id, command, scheduled_at, due_at, has_dependents) VALUES (${held}, 'first', now() + interval '1 day', now() + interval '1 day', true)`
    const id = '00000000-0000-4000-8000-00000000000b'
    await database.sql`
      INSERT INTO tasks (id, command, scheduled_at, due_at, parents, waits_for, lane)
      VALUES (${id}, 'second', now(), now(), 1, 1, '//gpu')`
    await database.sql`INSERT INTO dependencies (task_id, depends_on) VALUES (${id}, ${held})`
    await page.goto(`${system.url}/tasks/${id}`)
    const why = page.getByRole('region', { name: "Why isn't it running?" })
    await why.getByRole('listitem').nth(1).waitFor()
    expect(await why.getByRole('listitem').allTextContents()).toEqual([
      'It waits for 0000000a (pending).',
      'No live worker that runs simulate has the label gpu.',
    ])
    await why.getByRole('link', { name: '0000000a' }).click()
    await page.getByRole('heading', { name: 'first' }).waitFor()
    await close()
  },
  30_000,
)
