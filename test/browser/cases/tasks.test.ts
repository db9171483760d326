import { beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { buildSite } from '../../../src/cli/up/site.ts'
import { SEARCH_WINDOW } from '../../../src/shared/store/tasks.ts'
import { createServed, type Served } from '../../integration/scheduler/served.ts'
import { hasBrowser, openPage } from '../../support/browser.ts'

const ROOT = join(import.meta.dir, '..', '..', '..')
/** More than a search looks through at once; every tenth is named after reports. */
const COUNT = SEARCH_WINDOW + 1000
const REPORTS = COUNT / 10

let served: Served

beforeAll(async () => {
  if (!hasBrowser) return
  const root = ROOT
  await buildSite({ root, onProgress: () => {} })
  served = await createServed({ site: join(root, 'web', 'dist') })
  await fill(COUNT, 0)
}, 120_000)

/** Failed tasks, from so many seconds ago backwards. */
async function fill(count: number, from: number) {
  await served.sql`
    INSERT INTO tasks (id, command, priority, scheduled_at, due_at, picked_at, started_at, failed_at, worker_id, attempt)
    SELECT uuidv7(), CASE n % 10 WHEN 0 THEN 'send the report' ELSE 'other' END, n % 4, at, at, at, at, at, 1, 1
    FROM (SELECT n, now() - (${from}::int + n) * interval '1 s' AS at FROM generate_series(1, ${count}::int) AS n) AS times`
}

const open = async (page: Page, query: string) =>
  await page.goto(`${served.url}/tasks?${new URLSearchParams({ q: query })}`)

test.skipIf(!hasBrowser)(
  'of a search over more than is looked through at once, what is confirmed is what is discarded, although more came',
  async () => {
    const { page, close } = await openPage()
    await open(page, 'report')
    await page.getByRole('button', { name: 'Select all that match' }).click()
    await page.getByText('All that match are selected').waitFor()
    await page.getByRole('button', { name: 'Discard', exact: true }).click()
    const dialog = page.getByRole('alertdialog', { name: `Discard ${REPORTS} tasks?` })
    await dialog.waitFor()
    // Ten more, of which one is a report, before it is confirmed.
    await served.sql`
      INSERT INTO tasks (id, command, scheduled_at, due_at, picked_at, started_at, failed_at, worker_id, attempt)
      SELECT uuidv7(), 'a late report', now(), now(), now(), now(), now(), 1, 1 FROM generate_series(1, 10)`
    await dialog.getByRole('button', { name: `Discard ${REPORTS} tasks` }).click()
    await page.getByRole('status').getByText(`${REPORTS} tasks discarded`).waitFor()
    const [left] = await served.sql<
      { count: number }[]
    >`SELECT count(*)::int AS count FROM tasks WHERE command = 'a late report'`
    expect(left?.count).toBe(10)
    await close()
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'every action on all that match says how many they are before it is done',
  async () => {
    const { page, close } = await openPage()
    await open(page, 'other')
    await page.getByRole('button', { name: 'Select all that match' }).click()
    for (const [action, title] of [
      ['Retry', `Retry ${(COUNT - REPORTS).toLocaleString('en')} tasks?`],
      ['Discard', `Discard ${(COUNT - REPORTS).toLocaleString('en')} tasks?`],
      ['Cancel', 'Cancel 0 tasks?'],
      ['Run now', 'Run now 0 tasks?'],
    ] as const) {
      await page.getByRole('button', { name: action, exact: true }).click()
      const dialog = page.getByRole('alertdialog', { name: title })
      await dialog.waitFor()
      const isNone = title.includes(' 0 ')
      expect(
        await dialog.getByRole('button', { name: new RegExp(`^${action} [\\d,]+ task`) }).isDisabled(),
      ).toBe(isNone)
      await dialog.getByRole('button', { name: 'Keep them' }).click()
    }
    await close()
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'a filter with a fault lists nothing, offers no action, and says what is wrong',
  async () => {
    const { page, close } = await openPage()
    for (const [query, fault] of [
      ['state:completd', 'There is no state “completd”'],
      ['report stat:failed', 'There is no condition “stat:”'],
      ['priority:hihg', 'There is no priority “hihg”'],
      ['worker:', '“worker:” needs a value'],
    ] as const) {
      const asked: string[] = []
      page.on(
        'request',
        (request) => void (request.url().includes('tasks.list') && asked.push(request.url())),
      )
      await open(page, query)
      await page.getByRole('heading', { name: 'This filter cannot be read' }).waitFor()
      await page.getByText(fault).waitFor()
      expect(await page.locator('[data-id]').count()).toBe(0)
      expect(await page.getByRole('button', { name: /^Select all|Discard|Cancel|Retry/ }).count()).toBe(0)
      expect(await page.getByRole('link', { name: /^Export/ }).count()).toBe(0)
      expect(asked).toEqual([])
    }
    await page.getByRole('button', { name: 'Show all tasks' }).click()
    await page.locator('[data-id]').first().waitFor()
    await close()
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'tasks are sorted by priority by the head of their column, and filtered by it, and the address says so',
  async () => {
    const { page, close } = await openPage()
    await open(page, 'priority:>=high')
    await page.locator('[data-index="0"][data-id]').waitFor()
    const column = page.getByRole('columnheader', { name: 'Priority' })
    expect(await column.getAttribute('aria-sort')).toBe('none')
    const first = () => page.locator('[data-index="0"] [role=gridcell]').nth(5).textContent()
    await column.getByRole('button').click()
    await page.waitForURL(/sort=-priority/)
    await page.locator('[data-index="0"][data-id]').filter({ hasText: 'CRITICAL' }).waitFor()
    expect(await first()).toBe('CRITICAL')
    await column.getByRole('button').click()
    await page.waitForURL(/sort=priority/)
    await page.locator('[data-index="0"][data-id]').filter({ hasText: 'HIGH' }).waitFor()
    expect(await first()).toBe('HIGH')
    expect(await column.getAttribute('aria-sort')).toBe('ascending')
    await close()
  },
  60_000,
)
