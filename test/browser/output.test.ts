import { beforeAll, expect, test } from 'bun:test'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { hasBrowser, keepScreenshot, openPage } from '../support/browser.ts'
import { tabTo } from '../support/dashboard.ts'
import { createTestDatabase, databaseEnv } from '../support/database.ts'
import { type Launcher, startUp, temporaryFolder } from '../support/up.ts'
import { waitFor } from '../support/wait.ts'

const AXE = join(import.meta.dir, '..', '..', 'node_modules', 'axe-core', 'axe.min.js')
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

let system: Launcher

beforeAll(async () => {
  if (!hasBrowser) return
  const { settings } = await createTestDatabase()
  system = await startUp(await temporaryFolder(), {
    ...databaseEnv(settings),
    WORKER_EXECUTORS: 'simulate,shell,function',
    TASK_HANDLERS: join(import.meta.dir, '..', 'support', 'task-handlers'),
  })
}, 120_000)

async function submit(task: object): Promise<string> {
  const headers = { 'Content-Type': 'application/json' }
  const response = await fetch(`${system.url}/tasks`, { method: 'POST', headers, body: JSON.stringify(task) })
  expect(response.status).toBe(200)
  return ((await response.json()) as { task_id: string }).task_id
}

async function findViolations(page: Page): Promise<string[]> {
  await page.evaluate(await Bun.file(AXE).text())
  return await page.evaluate<string[]>(
    `axe.run(document, { runOnly: ${JSON.stringify(RULES)} }).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => id + ' ' + html.slice(0, 160) + ' ' + failureSummary)))`,
  )
}

const linesOf = (page: Page) => page.getByRole('log').locator('code').allTextContents()

test.skipIf(!hasBrowser)(
  'what a task says is shown while it runs, then its result; nothing is spoken unless asked for',
  async () => {
    const { page, faults, close } = await openPage()
    // It says no more than its first lines until the page has shown them.
    const seen = join(await temporaryFolder(), 'seen')
    const say = (numbers: string) => `for n in ${numbers}; do echo "line <$n>"; done`
    const pause = `until [ -e '${seen}' ]; do sleep 0.05; done`
    const end = `echo oh >&2; echo '{"rows": 5}' > "$TASKMASTER_RESULT"`
    const command = [say('1 2'), pause, say('3 4 5'), end].join('; ')
    const id = await submit({ command, executor: 'shell' })
    await page.goto(`${system.url}/tasks/${id}`)
    await page.getByText('line <1>').waitFor()
    expect((await linesOf(page)).length).toBeLessThan(5)
    const log = page.getByRole('log', { name: 'Lines' })
    expect(await log.getAttribute('aria-live')).toBe('off')
    await page.getByRole('button', { name: 'Read aloud' }).click()
    expect(await log.getAttribute('aria-live')).toBe('polite')
    await writeFile(seen, '')
    await page.getByRole('button', { name: 'Copy the result' }).waitFor()
    expect(await page.getByRole('region', { name: 'Result' }).locator('pre').first().textContent()).toBe(
      '{\n  "rows": 5\n}',
    )
    await page.getByText('oh', { exact: true }).waitFor()
    expect(await linesOf(page)).toEqual([1, 2, 3, 4, 5].map((n) => `line <${n}>`).concat('oh'))
    await keepScreenshot(page, 'task-output')
    expect(await findViolations(page)).toEqual([])
    // Without motion, so that no colour is looked at on its way to the other.
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
    expect(await findViolations(page)).toEqual([])
    await page.setViewportSize({ width: 375, height: 800 })
    expect(await findViolations(page)).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
    expect(faults).toEqual([])
    await close()
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'progress that a task reports is shown, and the stack of what it throws is a click away',
  async () => {
    const { page, close } = await openPage()
    const slow = await submit({ command: 'slow', executor: 'function' })
    await page.goto(`${system.url}/tasks/${slow}`)
    const bar = page.getByRole('progressbar', { name: 'Progress, as the task reports it' })
    await bar.waitFor()
    const value = () => bar.evaluate((element) => Number((element as { value?: number }).value))
    const before = await value()
    await waitFor(async () => (await value()) > before, { what: 'the bar to move' })
    await page.getByText('step 3', { exact: true }).waitFor()
    expect(await findViolations(page)).toEqual([])
    const broken = await submit({ command: 'broken', executor: 'function' })
    await page.goto(`${system.url}/tasks/${broken}`)
    const summary = page.getByText('Where it was thrown')
    await summary.waitFor()
    await tabTo(page, page.locator('summary'))
    await page.keyboard.press('Enter')
    await page.getByText('RangeError: nothing works').waitFor()
    expect(await findViolations(page)).toEqual([])
    await close()
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'of very many lines the last are shown, following goes off with a look back and on again with the end',
  async () => {
    const { page, close } = await openPage()
    const id = await submit({ command: 'seq 1 3000', executor: 'shell' })
    await page.goto(`${system.url}/tasks/${id}`)
    await page.getByText('3000', { exact: true }).waitFor()
    expect(await linesOf(page)).toHaveLength(500)
    await page.getByText('2,500 earlier lines are not shown.').waitFor()
    const log = page.getByRole('log')
    const follow = page.getByRole('button', { name: 'Follow' })
    const isFollowing = async (wanted: string) =>
      await waitFor(async () => (await follow.getAttribute('aria-pressed')) === wanted, {
        what: `follow ${wanted}`,
      })
    await isFollowing('true')
    await log.evaluate((element) => (element as { scrollTo(x: number, y: number): void }).scrollTo(0, 0))
    await isFollowing('false')
    await follow.click()
    await isFollowing('true')
    await close()
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'a command is scheduled for an executor, and what is wrong with its payload is said',
  async () => {
    const { page, close } = await openPage()
    await page.goto(`${system.url}/schedule`)
    await page.getByLabel('Executor').selectOption('function')
    await page.getByLabel("Handler's name").fill('greet')
    await page.getByText('Options').click()
    const payload = page.getByLabel('Payload, as JSON')
    await payload.fill('{"name": ')
    await page.getByRole('button', { name: 'Schedule task' }).click()
    await page.getByRole('alert').getByText('the payload is not JSON').waitFor()
    await payload.fill('{"name": "Ada"}')
    expect(await findViolations(page)).toEqual([])
    await page.getByRole('button', { name: 'Schedule task' }).click()
    await page.getByRole('link', { name: 'View status' }).click()
    await page.getByRole('region', { name: 'Result' }).getByText('"greeting": "Hello, Ada"').waitFor()
    await close()
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'a result shows every digit of its numbers, and a payload with a number that cannot be kept is refused by its place',
  async () => {
    const { page, close } = await openPage()
    const command = `echo '{"id": 9007199254740993, "ratio": 0.1234567890123456789}' > "$TASKMASTER_RESULT"`
    const id = await submit({ command, executor: 'shell' })
    await page.goto(`${system.url}/tasks/${id}`)
    await page.getByRole('button', { name: 'Copy the result' }).waitFor()
    const result = page.getByRole('region', { name: 'Result' }).locator('pre').first()
    expect(await result.textContent()).toBe(
      '{\n  "id": 9007199254740993,\n  "ratio": 0.1234567890123456789\n}',
    )

    await page.goto(`${system.url}/schedule`)
    await page.getByLabel('Command').first().fill('x')
    await page.getByText('Options').click()
    await page.getByLabel('Payload, as JSON').fill('{"id": 9007199254740993}')
    await page.getByRole('button', { name: 'Schedule task' }).click()
    const fault = 'payload.id: 9007199254740993 cannot be represented exactly; send it as a string'
    await page.getByRole('alert').getByText(fault).waitFor()
    await close()
  },
  60_000,
)
