import { beforeAll, expect, test } from 'bun:test'
import type { Page } from 'playwright-core'
import { readCounts } from '../../src/shared/store/counts.ts'
import type { Bar } from '../../web/src/live/lanes.ts'
import { hasBrowser, keepScreenshot, openPage } from '../support/browser.ts'
import { createTestDatabase, databaseEnv, type TestDatabase } from '../support/database.ts'
import { type Launcher, startUp, temporaryFolder } from '../support/up.ts'
import { waitFor } from '../support/wait.ts'

const STATES = ['Pending', 'Assigned', 'Running', 'Completed', 'Failed', 'Cancelled'] as const

let database: TestDatabase
let system: Launcher
let page: Page
let faults: string[]

beforeAll(async () => {
  if (!hasBrowser) return
  database = await createTestDatabase()
  system = await startUp(await temporaryFolder(), {
    ...databaseEnv(database.settings),
    TASK_PROCESS_TIME: '3000',
  })
  ;({ page, faults } = await openPage())
  await page.goto(system.url)
}, 120_000)

const tile = async (name: string) =>
  Number(
    (await page.getByRole('group', { name, exact: true }).locator('.tile-value').textContent())?.replaceAll(
      ',',
      '',
    ),
  )

/** The figures of every tile at one moment. */
const readTiles = async (): Promise<Record<string, number>> =>
  await page.evaluate(
    `Object.fromEntries([...document.querySelectorAll('.tile')].map((tile) =>
      [tile.getAttribute('aria-label'), Number(tile.querySelector('.tile-value').textContent.replaceAll(',', ''))]))`,
  )

test.skipIf(!hasBrowser)('the lanes have five rows for every worker', async () => {
  const rows = page.getByRole('region', { name: 'Slot lanes' }).getByRole('row', { name: /slot \d/ })
  await waitFor(async () => (await rows.count()) === 15, { what: 'fifteen rows' })
  for (const worker of ['worker-1', 'worker-2', 'worker-3'])
    expect(await rows.filter({ hasText: `${worker} slot` }).count()).toBe(5)
})

test.skipIf(!hasBrowser)(
  'fifty tasks are created, fifteen run at once, and the tiles add up all the way',
  async () => {
    expect(await page.getByRole('spinbutton', { name: 'Task count' }).inputValue()).toBe('50')
    await page.getByRole('button', { name: 'Create tasks' }).click()
    await page.getByRole('status').getByText('Created 50 tasks').waitFor({ timeout: 1000 })

    let most = 0
    await waitFor(
      async () => {
        const tiles = await readTiles()
        expect(STATES.reduce((sum, state) => sum + (tiles[state] ?? Number.NaN), 0)).toBe(
          tiles.Total as number,
        )
        most = Math.max(most, tiles.Running as number)
        return tiles.Completed === 50
      },
      { what: 'all to be completed', timeoutMs: 40_000 },
    )
    expect(most).toBe(15)
    const counts = await readCounts(database.sql)
    for (const state of STATES) expect(await tile(state)).toBe(counts.get(state.toLowerCase()) ?? 0)
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'the lanes show what the tables say: no bar over another, none in the wrong place',
  async () => {
    const bars = await page.evaluate<Bar[]>('taskmasterLanes()')
    expect(bars.length).toBe(50)
    const stored = await database.sql<{ id: string; slot: number; started: number; ended: number }[]>`
    SELECT id, slot, (extract(epoch FROM started_at) * 1000)::float8 AS started,
      (extract(epoch FROM completed_at) * 1000)::float8 AS ended FROM tasks`
    for (const bar of bars) {
      const task = stored.find(({ id }) => id === bar.taskId)
      expect(bar.slot).toBe(task?.slot as number)
      expect(Math.abs(bar.started - (task?.started as number))).toBeLessThan(150)
      expect(Math.abs(bar.end - (task?.ended as number))).toBeLessThan(150)
    }
    const byLane = Map.groupBy(bars, ({ workerId, slot }) => `${workerId}/${slot}`)
    for (const lane of byLane.values()) {
      lane.sort((a, b) => a.end - b.end)
      for (const [index, bar] of lane.entries())
        if (index > 0) expect(bar.from).toBeGreaterThanOrEqual(lane[index - 1]?.end as number)
    }
  },
)

test.skipIf(!hasBrowser)(
  'killing a worker names what it holds, and its tasks are seen to move',
  async () => {
    await page.getByRole('button', { name: 'Create tasks' }).click()
    await waitFor(async () => (await tile('Running')) === 15, { what: 'fifteen to run' })
    await page.getByRole('combobox', { name: 'Worker to kill' }).selectOption('worker-2')
    const kill = page.getByRole('button', { name: 'Kill worker-2' })
    await kill.click()
    const dialog = page.getByRole('alertdialog', { name: 'Kill worker-2?' })
    await dialog.getByText('5 tasks in flight').waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    expect(await page.evaluate<string>('document.activeElement.textContent')).toBe('Kill worker-2')

    await kill.click()
    await waitFor(async () => (await tile('Running')) === 15, { what: 'fifteen to run' })
    await dialog.getByRole('button', { name: 'Kill worker' }).click()
    const lost = await waitFor(
      async () => {
        const rows = await database.sql<
          { id: string; before: number; after: number | null; attempt: number }[]
        >`
        SELECT t.id, a.worker_id AS before, t.worker_id AS after, t.attempt
        FROM attempts a JOIN tasks t ON t.id = a.task_id WHERE a.outcome = 'lost'`
        return rows.length > 0 && rows.every(({ attempt }) => attempt === 2) && rows
      },
      { what: 'the lost tasks to be placed again' },
    )
    const items = page.getByRole('list', { name: 'Moved tasks' }).getByRole('listitem')
    await waitFor(async () => (await items.count()) === lost.length, {
      what: 'every moved task to be listed',
    })
    for (const item of await items.allTextContents()) expect(item).toContain('attempt 2')
    for (const { before, after } of lost) expect(after).not.toBe(before)
    await keepScreenshot(page, 'kill')
    await waitFor(async () => (await tile('Completed')) === 100, {
      what: 'all to be completed',
      timeoutMs: 40_000,
    })
  },
  90_000,
)

test.skipIf(!hasBrowser)(
  'the fleet is scaled from the page',
  async () => {
    await page.getByRole('button', { name: 'Scale to 1 worker', exact: true }).click()
    const rows = page.getByRole('region', { name: 'Slot lanes' }).getByRole('row', { name: /slot \d/ })
    await waitFor(async () => (await rows.count()) === 5, { what: 'one worker', timeoutMs: 20_000 })
    await page.getByRole('button', { name: 'Scale to 3 workers' }).click()
    await waitFor(async () => (await rows.count()) === 15, { what: 'three workers', timeoutMs: 20_000 })
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'away from the network it says so, and after its return all is right within two seconds',
  async () => {
    await page.context().setOffline(true)
    await page.getByRole('status').getByText('Disconnected').waitFor({ timeout: 12_000 })
    expect(await page.locator('.tiles.stale').count()).toBe(1)
    await fetch(`${system.url}/api/schedule/batch`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ count: 10 }),
    })
    await waitFor(async () => (await readCounts(database.sql)).get('completed') === 110, {
      what: 'the tasks to be completed meanwhile',
      timeoutMs: 20_000,
    })
    await page.context().setOffline(false)
    await waitFor(async () => (await tile('Completed')) === 110, { what: 'the figures', timeoutMs: 2000 })
    await page.getByRole('status').getByText('Live').waitFor({ timeout: 2000 })
  },
  60_000,
)

test.skipIf(!hasBrowser)('nothing went wrong in the page meanwhile', () => {
  expect(faults.filter((fault) => !/ERR_INTERNET_DISCONNECTED|ERR_NETWORK/.test(fault))).toEqual([])
})
