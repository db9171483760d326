import { beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { buildSite } from '../../src/cli/up/site.ts'
import { hasBrowser, openPage } from '../support/browser.ts'
import { tabTo } from '../support/dashboard.ts'
import { type System, startSystem } from '../support/system.ts'

const ROOT = join(import.meta.dir, '..', '..')

let system: System
let url: string

beforeAll(async () => {
  if (!hasBrowser) return
  await buildSite({ root: ROOT, onProgress: () => {} })
  system = await startSystem()
  url = `http://127.0.0.1:${system.scheduler.port}`
  await system.submit({ queue: 'mail', concurrency_key: 'customer-17', labels: ['gpu'] })
}, 120_000)

test.skipIf(!hasBrowser)(
  'a queue is limited, paused and resumed by keyboard alone, and the overview says that it rests',
  async () => {
    const { page, faults, close } = await openPage()
    await page.goto(url)
    await page.getByText('Live', { exact: true }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('q')
    await page.getByRole('heading', { name: 'Queues', exact: true }).waitFor()
    const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'mail' }) })
    await row.waitFor()
    const press = async (name: string) => {
      await tabTo(page, page.getByRole('button', { name, exact: true }))
      await page.keyboard.press('Enter')
    }

    await press('Limits of mail')
    const limits = page.getByRole('dialog', { name: 'Limits of mail' })
    await limits.waitFor()
    expect(page.url()).toContain('dialog=limits&queue=mail')
    await page.getByLabel('At once', { exact: true }).focus()
    await page.keyboard.type('5')
    await page.getByLabel('Starts', { exact: true }).focus()
    await page.keyboard.type('100')
    await page.keyboard.press('Enter')
    await limits.waitFor({ state: 'hidden' })
    await row.getByText('0 of 5').waitFor()
    await row.getByText('100 per 1 min').waitFor()
    expect(await system.get('/api/queues/mail')).toMatchObject({
      concurrency: 5,
      rate: { limit: 100, period_ms: 60_000 },
      per_key: { concurrency: null, rate: null },
    })

    await press('Pause mail')
    const pause = page.getByRole('alertdialog', { name: 'Pause mail?' })
    await pause.waitFor()
    await page.keyboard.press('Escape')
    await pause.waitFor({ state: 'hidden' })
    expect(await page.evaluate<string>('document.activeElement.getAttribute("aria-label")')).toBe(
      'Pause mail',
    )
    // The address has closed it, too: a page that is still on its way there would close the next at once.
    await page.waitForURL((url) => !url.searchParams.has('dialog'))
    await page.keyboard.press('Enter')
    await pause.getByLabel('By whom, or why').focus()
    await page.keyboard.type('the operator')
    await page.keyboard.press('Enter')
    await row.getByText('by the operator').waitFor()
    expect(await system.get('/api/queues/mail')).toMatchObject({ state: 'paused', paused_by: 'the operator' })

    await page.keyboard.press('g')
    await page.keyboard.press('h')
    await page.getByText('1 queue paused:').waitFor()
    await page.getByText('mail by the operator. 1 due task there will not start.').waitFor()
    await page
      .getByRole('list', { name: 'Events, newest first' })
      .getByText('Queue mail paused by the operator')
      .waitFor()
    await tabTo(page, page.getByRole('link', { name: 'See the queues' }))
    await page.keyboard.press('Enter')
    await press('Resume mail')
    const resume = page.getByRole('alertdialog', { name: 'Resume mail?' })
    await tabTo(page, resume.getByRole('button', { name: 'Resume queue' }))
    await page.keyboard.press('Enter')
    await row.getByText('active').waitFor()
    expect(await system.get('/api/queues/mail')).toMatchObject({ state: 'active', concurrency: 5 })
    expect(faults).toEqual([])
    await close()
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'limits are set for a queue that has no tasks yet, and what is wrong is told beside what was typed',
  async () => {
    const { page, close } = await openPage()
    await page.goto(`${url}/queues`)
    await page.getByRole('button', { name: 'New queue' }).click()
    const dialog = page.getByRole('dialog', { name: 'New queue' })
    await dialog.getByLabel('Name').fill('not a name')
    await dialog.getByLabel('At once, of a key').fill('1')
    await dialog.getByRole('button', { name: 'Save limits' }).click()
    await dialog.getByRole('alert').getByText('Queue must begin with a letter or digit').waitFor()
    await dialog.getByLabel('Name').fill('letters')
    await dialog.getByRole('button', { name: 'Save limits' }).click()
    await page.getByRole('rowheader', { name: 'letters' }).waitFor()
    expect(await system.get('/api/queues/letters')).toMatchObject({
      concurrency: null,
      per_key: { concurrency: 1, rate: null },
    })
    await close()
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'a task is scheduled for a queue, under a key, with labels and a priority, and its page and copies have them',
  async () => {
    const { page, close } = await openPage()
    await page.goto(`${url}/schedule`)
    await page.getByRole('textbox', { name: 'Command' }).fill('letter')
    await page.getByText('Options').click()
    await page.getByLabel('Queue').fill('letters')
    await page.getByLabel('Concurrency key').fill('customer-17')
    await page.getByLabel('Labels that its worker must have').fill('gpu, eu')
    await page.getByLabel('Priority').selectOption('HIGH')
    await page.getByRole('button', { name: 'Schedule task' }).click()
    await page.getByRole('link', { name: 'View status' }).click()
    const facts = page.getByRole('region', { name: 'Facts' })
    const expectFacts = async () => {
      await facts.getByText('HIGH').waitFor()
      await facts.getByRole('link', { name: 'letters' }).waitFor()
      await facts.getByText('customer-17').waitFor()
      await facts.getByText('gpu, eu').or(facts.getByText('eu, gpu')).waitFor()
    }
    await expectFacts()
    const before = page.url()
    await page.getByRole('button', { name: 'Duplicate' }).click()
    await page.waitForURL((to) => to.href !== before)
    await expectFacts()
    await close()
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'many tasks are created with a priority',
  async () => {
    const { page, close } = await openPage()
    await page.goto(url)
    await page.getByLabel('Priority').selectOption('CRITICAL')
    await page.getByRole('button', { name: 'Create tasks' }).click()
    await page.getByRole('status').getByText('Created 50 tasks').waitFor()
    const rows = await system.sql`SELECT FROM tasks WHERE priority = 3 AND command = 'demo-job'`
    expect(rows).toHaveLength(50)
    await close()
  },
  60_000,
)
