import { beforeAll, expect, test } from 'bun:test'
import { hasBrowser, keepScreenshot, openPage } from '../support/browser.ts'
import { tabTo } from '../support/dashboard.ts'
import { createTestDatabase, databaseEnv, type TestDatabase } from '../support/database.ts'
import { type Launcher, startUp, temporaryFolder } from '../support/up.ts'

let database: TestDatabase
let system: Launcher

beforeAll(async () => {
  if (!hasBrowser) return
  database = await createTestDatabase()
  system = await startUp(await temporaryFolder(), {
    ...databaseEnv(database.settings),
    TASK_PROCESS_TIME: '20',
  })
}, 120_000)

test.skipIf(!hasBrowser)(
  'a schedule is made with its ticks in view, watched, edited, paused, run and deleted',
  async () => {
    const { page, faults, close } = await openPage({ timezoneId: 'Europe/Berlin' })
    await page.goto(`${system.url}/schedules`)
    await page.getByRole('heading', { name: 'Nothing recurs yet' }).waitFor()
    await page.getByRole('link', { name: 'Make a schedule' }).click()

    await page.getByLabel('Name').fill('nightly')
    await page.getByLabel('Command').fill('report')
    expect(await page.getByLabel('Time zone').inputValue()).toBe('Europe/Berlin')
    const preview = page.getByRole('region', { name: 'Next ticks' })
    await page.getByLabel('Pattern', { exact: true }).fill('61 * * * *')
    await preview.getByText(/^Invalid cron expression/).waitFor()
    await page.getByLabel('Pattern', { exact: true }).fill('30 2 * * *')
    await preview
      .getByText(/^02:30 does not exist on .* in Europe\/Berlin: fires at 03:00$/)
      .first()
      .waitFor()
    expect(await preview.locator('ol li').count()).toBe(5)
    await keepScreenshot(page, 'schedule-form')
    await page.getByRole('button', { name: 'Create schedule' }).click()

    await page.getByRole('heading', { name: 'nightly', level: 1 }).waitFor()
    await page.getByText('No tick has come yet.').waitFor()
    await page.getByRole('button', { name: 'Run now' }).click()
    await page.getByRole('row', { name: /by hand/ }).waitFor()

    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('at an interval').check()
    await page.getByLabel('Every, s').fill('1')
    await page.getByRole('button', { name: 'Save schedule' }).click()
    const ticks = page.getByRole('region', { name: 'Ticks' })
    await ticks.getByRole('row', { name: /fired/ }).first().waitFor()
    expect(await page.getByText('02:30:00').count()).toBe(0)
    await keepScreenshot(page, 'schedule-ledger')

    await page.getByRole('link', { name: 'Recurring' }).click()
    const line = page.getByRole('row', { name: /nightly/ })
    await page.getByRole('button', { name: 'Pause nightly' }).click()
    await line.getByText('paused').waitFor()
    await page.getByRole('button', { name: 'Resume nightly' }).click()
    await line.getByText('active').waitFor()

    await line.getByRole('link', { name: 'nightly' }).click()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('alertdialog', { name: 'Delete this schedule?' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('button', { name: 'Delete schedule' }).click()
    await page.getByRole('heading', { name: 'Nothing recurs yet' }).waitFor()
    expect(faults.filter((fault) => !/400|BAD_REQUEST/.test(fault))).toEqual([])
    await close()
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'by keyboard alone a schedule is made and paused',
  async () => {
    const { page, close } = await openPage()
    await page.goto(system.url)
    await page.getByText('Live', { exact: true }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('r')
    await page.getByRole('heading', { name: 'Recurring schedules' }).waitFor()
    await tabTo(page, page.getByRole('link', { name: 'New schedule' }))
    await page.keyboard.press('Enter')
    await tabTo(page, page.getByLabel('Name'))
    await page.keyboard.type('by keys')
    await tabTo(page, page.getByLabel('Command'))
    await page.keyboard.type('x')
    await tabTo(page, page.getByRole('button', { name: 'Create schedule' }))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'by keys', level: 1 }).waitFor()
    await tabTo(page, page.getByRole('button', { name: 'Pause' }))
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Resume' }).waitFor()
    await close()
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'a schedule that is not there says so and leads back',
  async () => {
    const { page, close } = await openPage()
    for (const id of [crypto.randomUUID(), 'nothing']) {
      await page.goto(`${system.url}/schedules/${id}`)
      await page.getByRole('heading', { name: 'There is no such schedule', level: 1 }).waitFor()
    }
    await page.getByRole('link', { name: 'See all schedules' }).click()
    await page.getByRole('heading', { name: 'Recurring schedules' }).waitFor()
    await close()
  },
  30_000,
)
