import { beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { hasBrowser, keepScreenshot, openPage } from '../support/browser.ts'
import { createTestDatabase, databaseEnv, type TestDatabase } from '../support/database.ts'
import { type Launcher, startUp, temporaryFolder } from '../support/up.ts'
import { waitFor } from '../support/wait.ts'

const AXE = join(import.meta.dir, '..', '..', 'node_modules', 'axe-core', 'axe.min.js')
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
const NOBODY = '00000000-0000-7000-8000-000000000000'

let database: TestDatabase
let system: Launcher
/** A task that ended, and one that never begins. */
let ended: string
let later: string

beforeAll(async () => {
  if (!hasBrowser) return
  database = await createTestDatabase()
  system = await startUp(await temporaryFolder(), {
    ...databaseEnv(database.settings),
    TASK_PROCESS_TIME: '20',
  })
  const { task_ids } = await post('/api/schedule/batch', { count: 40, command: 'demo-job' })
  ended = task_ids[0] as string
  later = (await post('/api/schedule', { command: 'much later', scheduled_at: '2099-01-01T00:00:00Z' }))
    .task_id
  await post('/api/schedule', {
    command: 'fails',
    scheduled_at: '2020-01-01T00:00:00Z',
    payload: { failure_rate: 1 },
  })
}, 120_000)

async function post(path: string, body: object): Promise<{ task_id: string; task_ids: string[] }> {
  const headers = { 'Content-Type': 'application/json' }
  const response = await fetch(`${system.url}${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  return (await response.json()) as { task_id: string; task_ids: string[] }
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
  'an address shows the same tasks in the same order to everyone',
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
  'whatever is empty, missing or unknown has a heading and one thing to do',
  async () => {
    const { page, close } = await openPage()
    for (const [path, heading, action] of [
      ['/tasks?q=nobody-is-called-so', 'No task matches', 'Show all tasks'],
      [`/tasks/${NOBODY}`, 'There is no such task', 'See all tasks'],
      ['/workers/4711', 'There is no such worker', 'See the workers'],
      ['/nowhere', 'There is no such page', 'Go to the overview'],
    ] as const) {
      await page.goto(`${system.url}${path}`)
      await page.getByRole('heading', { name: heading }).waitFor()
      expect(await page.locator('.empty').locator('a, button').allTextContents()).toEqual([action])
    }
    await page.route('**/trpc/tasks.list*', (route) => route.abort())
    await page.goto(`${system.url}/tasks`)
    await page.getByRole('heading', { name: 'The tasks cannot be shown' }).waitFor()
    await page.unroute('**/trpc/tasks.list*')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.locator('[data-id]').first().waitFor()
    await close()
  },
  60_000,
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

const LOOKS = (['light', 'dark'] as const).flatMap((theme) => [1280, 375].map((width) => ({ theme, width })))

const places = () => ({
  home: '/',
  tasks: '/tasks',
  task: `/tasks/${ended}`,
  worker: '/workers/worker-1',
  schedule: '/schedule',
  activity: '/activity',
  nowhere: '/nowhere',
  help: '/?dialog=help',
  'kill-dialog': '/?dialog=kill&worker=worker-1',
  'cancel-dialog': `/tasks/${later}?dialog=cancel`,
})

/** What is seen last of a page, so that it is looked at whole. */
const LAST: Record<string, string> = { tasks: '[data-id]', task: '.timeline', help: 'dialog' }

interface Violation {
  id: string
  nodes: { html: string; failureSummary: string }[]
}

for (const { theme, width } of LOOKS) {
  test.skipIf(!hasBrowser)(
    `axe finds nothing on any page or dialog, ${theme}, ${width} px wide`,
    async () => {
      const axe = await Bun.file(AXE).text()
      const found: string[] = []
      const { page, close } = await openPage({ viewport: { width, height: 860 }, colorScheme: theme })
      for (const [name, path] of Object.entries(places())) {
        await page.goto(`${system.url}${path}`)
        await page.getByText('Live', { exact: true }).waitFor()
        const last = name.endsWith('dialog') ? 'dialog' : (LAST[name] ?? 'h1')
        await page.locator(last).first().waitFor({ state: 'attached' })
        await page.evaluate(axe)
        const violations = await page.evaluate<Violation[]>(
          `axe.run(document, { runOnly: ${JSON.stringify(RULES)} }).then(({ violations }) => violations.map(({ id, nodes }) =>
          ({ id, nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })) })))`,
        )
        for (const { id, nodes } of violations)
          found.push(`${name}: ${id} ${nodes[0]?.html.slice(0, 160)} ${nodes[0]?.failureSummary}`)
        const overflow = await page.evaluate<number>(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        )
        if (overflow > 0) found.push(`${name}: wider than the window by ${overflow} px`)
        await keepScreenshot(page, `${name}-${theme}-${width}`)
      }
      await close()
      expect(found).toEqual([])
    },
    120_000,
  )
}
