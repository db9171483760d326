import { beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { buildSite } from '../../src/cli/up/site.ts'
import { hasBrowser, keepScreenshot, openPage } from '../support/browser.ts'
import { type System, startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

const NOBODY = '00000000-0000-7000-8000-000000000000'
const ROOT = join(import.meta.dir, '..', '..')

let system: System
let url: string

beforeAll(async () => {
  if (!hasBrowser) return
  await buildSite({ root: ROOT, onProgress: () => {} })
  system = await startSystem()
  url = `http://127.0.0.1:${system.scheduler.port}`
}, 120_000)

/** A heading that says what is, and one thing to do. Seen in one look: what is live may draw it anew at any moment. */
async function expectEmpty(page: Page, heading: string, action: string): Promise<void> {
  const look = () =>
    page.locator('.empty').evaluateAll((places) =>
      places.map((place) => ({
        heading: place.querySelector('h1, h2, h3')?.textContent?.trim(),
        actions: [...place.querySelectorAll('a, button')].map(({ textContent }) => textContent?.trim()),
      })),
    )
  await waitFor(
    async () => Bun.deepEquals((await look()).find((one) => one.heading === heading)?.actions, [action]),
    {
      what: `"${heading}" with "${action}"`,
    },
  )
}

test.skipIf(!hasBrowser)(
  'check 10: whatever is empty, missing, unknown or wrong has a heading and one thing to do',
  async () => {
    const { page, close } = await openPage()
    for (const [path, heading, action] of [
      ['/', 'No workers are connected', 'Copy the command'],
      ['/', 'Nothing has happened yet', 'Schedule a task'],
      ['/activity', 'Nothing has happened yet', 'Schedule a task'],
      ['/tasks', 'There are no tasks yet', 'Schedule a task'],
      ['/tasks?q=nobody-is-called-so', 'No task matches', 'Show all tasks'],
      [`/tasks?q=${'x'.repeat(501)}`, 'The tasks cannot be shown', 'Show all tasks'],
      [`/tasks/${NOBODY}`, 'There is no such task', 'See all tasks'],
      ['/tasks/not-an-id', 'There is no such task', 'See all tasks'],
      ['/workers/4711', 'There is no such worker', 'See the workers'],
      ['/nowhere', 'There is no such page', 'Go to the overview'],
    ] as const) {
      await page.goto(`${url}${path}`)
      await expectEmpty(page, heading, action)
      if (path === '/') await keepScreenshot(page, 'empty')
    }
    await close()
  },
  90_000,
)

test.skipIf(!hasBrowser)(
  'check 10: without the scheduler a page says that it cannot be reached, and works again when asked to',
  async () => {
    const { page, close } = await openPage()
    await page.goto(`${url}/tasks`)
    await expectEmpty(page, 'There are no tasks yet', 'Schedule a task')
    await page.goto(url)
    await page.getByText('Live', { exact: true }).waitFor()
    await page.route('**/trpc/tasks.*', (route) => route.abort())
    await page.getByRole('navigation').getByRole('link', { name: 'Tasks' }).click()
    await expectEmpty(page, 'The tasks cannot be shown', 'Try again')
    await page.getByText('The scheduler cannot be reached. Check that it runs, then try again.').waitFor()
    await page.unroute('**/trpc/tasks.*')
    // What is live may have asked again before we do: then there is nothing left to click.
    const shown = page.getByRole('heading', { name: 'There are no tasks yet' })
    const asked = page.getByRole('button', { name: 'Try again' }).click({ timeout: 10_000 })
    await Promise.race([asked.catch(() => {}), shown.waitFor()])
    await shown.waitFor()
    await close()
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'check 10: a page whose script does not come can be loaded again, and others can be gone to',
  async () => {
    const { page, close } = await openPage()
    await page.goto(url)
    await page.getByText('Live', { exact: true }).waitFor()
    await page.context().setOffline(true)
    await page.getByRole('navigation').getByRole('link', { name: 'Activity' }).click()
    await expectEmpty(page, 'This page could not be shown', 'Reload')
    await page.context().setOffline(false)
    await page.getByRole('navigation').getByRole('link', { name: 'Overview' }).click()
    await page.getByRole('heading', { name: 'No workers are connected' }).waitFor()
    await close()
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'a refused request is told with what to do about it, and what was typed stays',
  async () => {
    const { page, close } = await openPage()
    await page.goto(`${url}/schedule`)
    const command = page.getByRole('textbox', { name: 'Command' })
    await command.fill('x'.repeat(65_537))
    await page.getByRole('button', { name: 'Schedule task' }).click()
    await page
      .getByRole('alert')
      .getByText('Command must be at most 65536 characters. Correct it, then try again.')
      .waitFor()
    expect((await command.inputValue()).length).toBe(65_537)
    await close()
  },
  30_000,
)

test.skipIf(!hasBrowser)(
  'where nothing among the newest matches, older tasks can be looked through',
  async () => {
    const { sql } = system
    await sql`
      INSERT INTO task_records (id, command, scheduled_at, due_at)
      SELECT uuidv7(), CASE n WHEN 12000 THEN 'the needle' ELSE 'hay' END, at, at FROM (
        SELECT n, now() + interval '1 day' - n * interval '1 s' AS at FROM generate_series(1, 12000) AS n) AS made`
    const { page, close } = await openPage()
    await page.goto(`${url}/tasks?q=needle`)
    await expectEmpty(page, 'None of the newest tasks matches', 'Look through older ones')
    await page.getByRole('button', { name: 'Look through older ones' }).click()
    await page.locator('[data-id]').first().waitFor()
    const id = await page.locator('[data-id]').first().getAttribute('data-id')
    await page.goto(`${url}/tasks?q=state:pending+${id?.slice(-8)}`)
    await page.getByRole('button', { name: 'Look through older ones' }).click()
    await page.locator(`[data-id="${id}"]`).waitFor()
    await close()
  },
  60_000,
)
