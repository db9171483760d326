import { beforeAll, expect, test } from 'bun:test'
import { readCounts } from '../../src/shared/store/counts.ts'
import { hasBrowser, openPage } from '../support/browser.ts'
import { readTiles, slotRows, tabTo } from '../support/dashboard.ts'
import { createTestDatabase, databaseEnv, type TestDatabase } from '../support/database.ts'
import { type Launcher, startUp, temporaryFolder } from '../support/up.ts'
import { waitFor } from '../support/wait.ts'

const DEMONSTRATION_MS = 120_000

let database: TestDatabase
let system: Launcher

beforeAll(async () => {
  if (!hasBrowser) return
  database = await createTestDatabase()
  system = await startUp(await temporaryFolder(), {
    ...databaseEnv(database.settings),
    TASK_PROCESS_TIME: '2000',
  })
}, 120_000)

test.skipIf(!hasBrowser)(
  'check 11: the whole demonstration, by keyboard alone and in under two minutes',
  async () => {
    const { page, faults, close } = await openPage()
    await page.goto(system.url)
    const rows = slotRows(page)
    await waitFor(async () => (await rows.count()) === 15, { what: 'three workers' })
    const startedAt = performance.now()
    const tile = async (name: string) => (await readTiles(page))[name] ?? Number.NaN
    const press = async (role: 'button' | 'link', name: string) => {
      await tabTo(page, page.getByRole(role, { name, exact: true }))
      await page.keyboard.press('Enter')
    }

    await tabTo(page, page.getByRole('spinbutton', { name: 'Task count' }))
    await page.keyboard.press('Control+a')
    await page.keyboard.type('50')
    await press('button', 'Create tasks')
    // What was pressed keeps the focus while it works.
    expect(await page.evaluate<string>('document.activeElement.textContent')).toBe('Create tasks')
    await page.getByRole('status').getByText('Created 50 tasks').waitFor()
    await waitFor(async () => (await tile('Running')) === 15, { what: 'fifteen to run at once' })

    await press('button', 'Scale to 1 worker')
    await waitFor(async () => (await rows.count()) === 5, { what: 'one worker', timeoutMs: 20_000 })
    const queued = await tile('Queue depth')
    await press('button', 'Create tasks')
    await waitFor(async () => (await tile('Queue depth')) > queued, { what: 'the queue to grow' })

    await press('button', 'Scale to 5 workers')
    await waitFor(async () => (await rows.count()) === 25, { what: 'five workers', timeoutMs: 20_000 })
    await waitFor(async () => (await tile('Running')) === 25, { what: 'twenty-five to run' })

    await tabTo(page, page.getByRole('combobox', { name: 'Worker to kill' }))
    await page.keyboard.press('ArrowDown')
    const victim = await page.getByRole('combobox', { name: 'Worker to kill' }).inputValue()
    expect(victim).toBe('worker-2')
    await press('button', `Kill ${victim}`)
    const dialog = page.getByRole('alertdialog', { name: `Kill ${victim}?` })
    await dialog.waitFor()
    await tabTo(page, dialog.getByRole('button', { name: 'Kill worker' }))
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'hidden' })
    const moved = page.getByRole('list', { name: 'Moved tasks' }).getByRole('listitem')
    const lost = async () => {
      const [row] = await database.sql<[{ count: number }]>`
        SELECT count(*)::int AS count FROM attempts WHERE outcome = 'lost'`
      return row.count
    }
    await waitFor(async () => (await lost()) > 0 && (await moved.count()) >= (await lost()), {
      what: 'the lost tasks to be listed as moved',
    })

    await waitFor(async () => (await tile('Completed')) === 100, {
      what: 'all to be completed',
      timeoutMs: 60_000,
    })
    expect(performance.now() - startedAt).toBeLessThan(DEMONSTRATION_MS)
    const counts = await readCounts(database.sql)
    expect([counts.get('completed'), counts.get('failed') ?? 0]).toEqual([100, 0])

    await tabTo(page, page.getByRole('list', { name: 'Moved tasks' }).getByRole('link').first())
    await page.keyboard.press('Enter')
    await page.getByText('Attempt 2').waitFor()
    expect(faults).toEqual([])
    await close()
  },
  180_000,
)
