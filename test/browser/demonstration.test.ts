import { beforeAll, expect, test } from 'bun:test'
import type { Page } from 'playwright-core'
import { readCounts } from '../../src/shared/store/counts.ts'
import type { Bar } from '../../web/src/live/lanes.ts'
import { hasBrowser, keepScreenshot, openPage } from '../support/browser.ts'
import {
  type Figures,
  readTiles,
  recordSeqs,
  slotRows,
  sumOf,
  TILES,
  takeSeqs,
  watchTiles,
} from '../support/dashboard.ts'
import { createTestDatabase, databaseEnv, type TestDatabase } from '../support/database.ts'
import { type Launcher, startUp, temporaryFolder } from '../support/up.ts'
import { waitFor } from '../support/wait.ts'

const TASK_MS = 3000
/** Fifty tasks on fifteen slots take four rounds. */
const WATCH_MS = 4 * TASK_MS + 4000
const AWAY_MS = 10_000
/** How far what is shown may be from what is stored. */
const NEAR_MS = 150

let database: TestDatabase
let system: Launcher
let page: Page
let faults: string[]
let samples: Figures[] = []

beforeAll(async () => {
  if (!hasBrowser) return
  database = await createTestDatabase()
  system = await startUp(await temporaryFolder(), {
    ...databaseEnv(database.settings),
    TASK_PROCESS_TIME: String(TASK_MS),
  })
  ;({ page, faults } = await openPage({ reducedMotion: 'no-preference' }))
  await recordSeqs(page)
  await page.goto(system.url)
}, 120_000)

const tile = async (name: string) => (await readTiles(page))[name] ?? Number.NaN

/** Which tiles say something else than the tables. */
async function wrongTiles(): Promise<string[]> {
  const [tiles, counts] = await Promise.all([readTiles(page), readCounts(database.sql)])
  return TILES.filter((name) => tiles[name] !== (counts.get(name.toLowerCase()) ?? 0))
}

interface Moved {
  id: string
  outcome: string
  before: number
  after: number | null
  attempt: number
}

interface Stored {
  id: string
  attempt: number
  worker: number
  slot: number
  started: number
  ended: number | null
  outcome: string | null
}

/** Every attempt that started, by the tables, in epoch ms. */
const storedAttempts = () => database.sql<Stored[]>`
  SELECT task_id AS id, attempt, worker_id AS worker, slot, epoch_ms(started_at) AS started,
    epoch_ms(ended_at) AS ended, outcome FROM attempts WHERE started_at IS NOT NULL
  UNION ALL
  SELECT id, attempt, worker_id, slot, epoch_ms(started_at), epoch_ms(completed_at),
    CASE WHEN completed_at IS NOT NULL THEN 'completed' END
  FROM tasks WHERE started_at IS NOT NULL`

test.skipIf(!hasBrowser)('check 1: the lanes have five rows for every live worker', async () => {
  const rows = slotRows(page)
  await waitFor(async () => (await rows.count()) === 15, { what: 'fifteen rows' })
  for (const worker of ['worker-1', 'worker-2', 'worker-3'])
    expect(await rows.filter({ hasText: `${worker} slot` }).count()).toBe(5)
})

test.skipIf(!hasBrowser)(
  'check 2: fifty tasks are created, and until they have ended the tiles add up in every frame, and then are as the tables',
  async () => {
    expect(await page.getByRole('spinbutton', { name: 'Task count' }).inputValue()).toBe('50')
    const watching = watchTiles(page, WATCH_MS)
    await page.getByRole('button', { name: 'Create tasks' }).click()
    await page.getByRole('status').getByText('Created 50 tasks').waitFor({ timeout: 1000 })
    samples = await watching
    expect(samples.length).toBeGreaterThan(100)
    expect(samples.filter((tiles) => sumOf(tiles) !== tiles.Total)).toEqual([])
    expect(new Set(samples.map(({ Total }) => Total))).toEqual(new Set([0, 50]))
    expect(await tile('Completed')).toBe(50)
    expect(await wrongTiles()).toEqual([])
  },
  60_000,
)

test.skipIf(!hasBrowser)('check 3: with three workers fifteen run at once, and never more', () => {
  expect(Math.max(...samples.map(({ Running }) => Running as number))).toBe(15)
})

test.skipIf(!hasBrowser)(
  'check 4: a kill names what is in flight, can be escaped, and its tasks are seen to move',
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
    const links = page.getByRole('list', { name: 'Moved tasks' }).getByRole('link')
    const listed = () => links.evaluateAll((links) => links.map((link) => link.getAttribute('href')).sort())
    // Tasks may be handed back and given on until the worker is started again: tables and page in one moment.
    const givenUp = await waitFor(
      async () => {
        // Each from where it was lost last; what was only handed back before it started, from where it was first.
        const rows = await database.sql<Moved[]>`
          SELECT DISTINCT ON (t.id) t.id, a.outcome, a.worker_id AS before, t.worker_id AS after, t.attempt
          FROM attempts a JOIN tasks t ON t.id = a.task_id WHERE a.outcome IN ('lost', 'returned')
          ORDER BY t.id, a.outcome, CASE a.outcome WHEN 'lost' THEN -a.attempt ELSE a.attempt END`
        const moved = rows.filter(({ before, after }) => after !== null && after !== before)
        const hrefs = moved.map(({ id, attempt }) => `/tasks/${id}?attempt=${attempt}`).sort()
        const isWhole = rows.every(({ after }) => after !== null)
        return (
          rows.some(({ outcome }) => outcome === 'lost') &&
          isWhole &&
          Bun.deepEquals(await listed(), hrefs) &&
          rows
        )
      },
      { what: 'every moved task to be listed as the tables have it', timeoutMs: 20_000 },
    )
    for (const { outcome, before, after, attempt } of givenUp) {
      if (outcome === 'lost') expect(after).not.toBe(before)
      expect(attempt).toBeGreaterThan(1)
    }
    const items = page.getByRole('list', { name: 'Moved tasks' }).getByRole('listitem')
    for (const item of await items.allTextContents())
      expect(item).toMatch(/worker-\d.*worker-\d.*attempt [2-9]/)
    await keepScreenshot(page, 'kill')
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'check 5: completed, running and lost bars stand where the tables say, none over another in its lane',
  async () => {
    // A moment at which nothing begins or ends, so that picture and tables can be compared.
    const { bars, stored, before, after } = await waitFor(
      async () => {
        const [{ before, calm }] = await database.sql<[{ before: number; calm: boolean }]>`
          SELECT epoch_ms(clock_timestamp()) AS before, coalesce(count(*) = 15
            AND max(started_at) < clock_timestamp() - interval '500 ms'
            AND min(started_at) > clock_timestamp() - ${TASK_MS - 500} * interval '1 ms', false) AS calm
          FROM tasks WHERE state = 'running'`
        if (!calm) return false
        const bars = await page.evaluate<Bar[]>('taskmasterLanes()')
        const stored = await storedAttempts()
        const [{ after }] = await database.sql<
          [{ after: number }]
        >`SELECT epoch_ms(clock_timestamp()) AS after`
        return { bars, stored, before, after }
      },
      { what: 'a moment of calm', timeoutMs: 30_000 },
    )
    const bySort = Map.groupBy(bars, ({ outcome }) => outcome)
    expect(bySort.get('none')).toHaveLength(15)
    expect(bySort.get('lost')?.length).toBeGreaterThan(0)
    expect(bySort.get('completed')?.length).toBeGreaterThan(0)
    for (const bar of bars) {
      const attempt = stored.find(({ id, attempt }) => id === bar.taskId && attempt === bar.attempt)
      expect(attempt).toMatchObject({ worker: bar.workerId, slot: bar.slot })
      expect(attempt?.outcome ?? 'none').toBe(bar.outcome)
      expect(Math.abs(bar.started - (attempt?.started as number))).toBeLessThan(NEAR_MS)
      if (attempt?.ended) expect(Math.abs(bar.end - attempt.ended)).toBeLessThan(NEAR_MS)
      else expect(bar.end).toBeWithin(before - NEAR_MS, after + NEAR_MS)
    }
    for (const lane of Map.groupBy(bars, ({ workerId, slot }) => `${workerId}/${slot}`).values()) {
      lane.sort((a, b) => a.end - b.end)
      for (const [index, bar] of lane.entries())
        if (index > 0) expect(bar.from).toBeGreaterThanOrEqual(lane[index - 1]?.end as number)
    }
    await waitFor(async () => (await tile('Completed')) === 100, {
      what: 'all to be completed, the moved ones too',
      timeoutMs: 40_000,
    })
  },
  90_000,
)

test.skipIf(!hasBrowser)(
  'check 8: offline for 10 s it says so, and 2 s after its return all is right and no message came twice',
  async () => {
    await page.context().setOffline(true)
    const leftAt = performance.now()
    await page.getByRole('status').getByText('Disconnected').waitFor({ timeout: 12_000 })
    expect(await page.locator('.tiles.stale').count()).toBe(1)
    await fetch(`${system.url}/api/schedule/batch`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ count: 40 }),
    })
    // Fifteen at once: some are over, some run and some wait when it returns.
    await waitFor(() => performance.now() - leftAt > AWAY_MS, {
      what: '10 s to pass',
      timeoutMs: 2 * AWAY_MS,
    })
    expect(await tile('Total')).toBe(100)
    await page.context().setOffline(false)
    await waitFor(async () => (await tile('Total')) === 140 && (await wrongTiles()).length === 0, {
      what: 'the figures',
      timeoutMs: 2000,
    })
    await page.getByRole('status').getByText('Live').waitFor({ timeout: 2000 })
    expect(await page.locator('.tiles.stale').count()).toBe(0)
    await waitFor(async () => (await tile('Completed')) === 140, { what: 'the rest', timeoutMs: 20_000 })
    const seqs = await takeSeqs(page)
    expect(seqs.length).toBeGreaterThan(30)
    expect(seqs.filter((seq, index) => index > 0 && seq <= (seqs[index - 1] as number))).toEqual([])
  },
  60_000,
)

test.skipIf(!hasBrowser)('nothing went wrong in the page meanwhile', () => {
  expect(faults.filter((fault) => !/ERR_INTERNET_DISCONNECTED|ERR_NETWORK/.test(fault))).toEqual([])
})
