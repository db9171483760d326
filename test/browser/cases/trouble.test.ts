import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { type RestartableServer, startRestartableServer } from '../../../src/cli/chaos/server.ts'
import { buildSite } from '../../../src/cli/up/site.ts'
import { connect, type Sql } from '../../../src/shared/store/connect.ts'
import { hasBrowser, openPage } from '../../support/browser.ts'
import { readTiles, TILES } from '../../support/dashboard.ts'
import { poolSettings } from '../../support/server.ts'
import { type System, startSystem } from '../../support/system.ts'
import { waitFor } from '../../support/wait.ts'

/** What pages, /readyz and the scheduler say while its surroundings break, one after the other. */

const AXE = join(import.meta.dir, '..', '..', '..', 'node_modules', 'axe-core', 'axe.min.js')
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
const LONG_MS = 60_000
const NOT_ANSWERING =
  'PostgreSQL is not answering. Nothing is lost: tasks wait until it does, and workers go on with what they run.'

let folder: string
let server: RestartableServer
let sql: Sql
let system: System
let url: string
let page: Page

beforeAll(async () => {
  if (!hasBrowser) return
  folder = await mkdtemp(join(tmpdir(), 'taskmaster-trouble-'))
  await buildSite({ onProgress: () => {} })
  server = await startRestartableServer(folder, () => {})
  const settings = { ...server.settings, ...poolSettings }
  sql = connect(settings)
  system = await startSystem({ workers: ['w1', 'w2'], database: { settings, sql } })
  url = `http://127.0.0.1:${system.scheduler.port}`
  for (let n = 0; n < 3; n++) await system.submit({ durationMs: LONG_MS })
  page = (await openPage()).page
  await page.goto(url)
  await seesLive(page)
  await waitFor(async () => (await readTiles(page)).Running === 3, { what: 'three tasks to run' })
}, 120_000)

afterAll(async () => {
  if (!server) return
  server.thaw()
  await sql.end({ timeout: 1 })
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

const mark = (of: Page) => of.locator('header [role=status]')
const banner = (of: Page) => of.locator('.banner')
const seesLive = (of: Page, timeout = 20_000) => mark(of).getByText('Live').waitFor({ timeout })

async function ready(): Promise<{ status: number; body: { missing?: string[]; message: string | null } }> {
  const response = await fetch(`${url}/readyz`)
  return {
    status: response.status,
    body: (await response.json()) as Awaited<ReturnType<typeof ready>>['body'],
  }
}

/** Waits until nothing is in trouble, for everybody. */
async function allIsWell() {
  await waitFor(async () => (await ready()).status === 200, { what: 'readiness' })
  await seesLive(page)
  await banner(page).waitFor({ state: 'detached' })
}

const barEnds = (of: Page): Promise<number[]> =>
  of.evaluate('taskmasterLanes().filter(({ outcome }) => outcome === "none").map(({ end }) => end)')

const tileTexts = (of: Page): Promise<string[]> => of.locator('.tile-value').allTextContents()

async function accessibilityFaults(of: Page): Promise<string[]> {
  await of.addScriptTag({ path: AXE })
  return await of.evaluate(`axe.run(document, { runOnly: ${JSON.stringify(RULES)} }).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`)
}

test.skipIf(!hasBrowser)(
  'PostgreSQL stands still: within 3 s every page says so, nothing old looks live, and all heals',
  async () => {
    const bars = await barEnds(page)
    expect(bars).toHaveLength(3)
    await server.freeze()
    try {
      // Figures that were current at the freeze are three seconds old three seconds later.
      await mark(page)
        .getByText(/^Data is [3-5]\.?\d* s old$/)
        .waitFor({ timeout: 5000 })
      await banner(page).getByText(NOT_ANSWERING).waitFor({ timeout: 3000 })
      expect(await page.locator('.tiles.stale').count()).toBe(1)
      expect((await readTiles(page)).Running).toBe(3)

      const stopped = await barEnds(page)
      const { status, body } = await ready()
      expect({ status, missing: body.missing, message: body.message }).toEqual({
        ...{ status: 503, missing: ['database'], message: NOT_ANSWERING },
      })
      await mark(page)
        .getByText(/^Data is ([6-9]|\d\d) s old$|^Data is [6-9]\.\d s old$/)
        .waitFor()
      expect(await barEnds(page)).toEqual(stopped)

      // A new tab knows nothing, and says nothing.
      const fresh = await openPage({
        viewport: { width: 390, height: 844 },
        colorScheme: 'dark',
        bypassCSP: true,
      })
      await fresh.page.goto(url)
      await mark(fresh.page).getByText('No data').waitFor()
      await banner(fresh.page).getByText(NOT_ANSWERING).waitFor()
      expect(await tileTexts(fresh.page)).toEqual(Array(TILES.length + 3).fill('–'))
      await fresh.page.getByText('– workers online').waitFor()
      expect(await fresh.page.evaluate<number>('document.documentElement.scrollWidth')).toBe(390)
      expect(await accessibilityFaults(fresh.page)).toEqual([])

      // Every other page waits for its own data, and its header says why.
      const other = await openPage({ bypassCSP: true })
      await other.page.goto(`${url}/tasks`)
      await banner(other.page).getByText(NOT_ANSWERING).waitFor()
      expect(await accessibilityFaults(other.page)).toEqual([])
      for (const name of ['Workflows', 'Recurring', 'Queues', 'Activity', 'Schedule', 'Overview', 'Tasks']) {
        await other.page.getByRole('navigation').getByRole('link', { name, exact: true }).click()
        await other.page.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' })
        expect(await banner(other.page).textContent()).toContain(NOT_ANSWERING)
        expect(await mark(other.page).textContent()).toContain('No data')
      }

      server.thaw()
      const thawedAt = performance.now()
      for (const one of [page, fresh.page]) {
        await waitFor(
          async () => {
            const tiles = await readTiles(one)
            return (await mark(one).textContent()) === 'Live' && tiles.Running === 3 && tiles.Total === 3
          },
          { what: 'the figures to be right' },
        )
      }
      expect(performance.now() - thawedAt).toBeLessThan(4000)
      await other.page.locator('[data-id]').nth(2).waitFor()
      await allIsWell()
      await Promise.all([fresh.close(), other.close()])
    } finally {
      server.thaw()
    }
  },
  90_000,
)

test.skipIf(!hasBrowser)(
  'a coordinator that stands still, or was killed, is named, and the figures go on',
  async () => {
    system.coordinator.kill('SIGSTOP')
    const subject = `The coordinator at ${system.address}`
    await banner(page).getByText(`${subject} does not answer. No coordinator can be reached`).waitFor()
    expect(await ready()).toMatchObject({ status: 503, body: { missing: ['coordinator'] } })
    expect(await mark(page).textContent()).toBe('Live')
    system.coordinator.kill('SIGCONT')
    await allIsWell()

    system.coordinator.kill('SIGKILL')
    await banner(page).getByText(`${subject} cannot be reached. No coordinator can be reached`).waitFor()
    expect(await ready()).toMatchObject({ status: 503, body: { missing: ['coordinator'] } })
    const told = await waitFor(
      async () => {
        const events = await system.get<{ type: string; msg: string }[]>('/api/logs')
        const troubles = events.filter(({ type }) => type === 'trouble').map(({ msg }) => msg)
        return troubles.some((msg) => msg.startsWith(subject)) && troubles
      },
      { what: 'the event' },
    )
    expect(told.some((msg) => msg.startsWith('PostgreSQL is not answering.'))).toBe(true)
    await system.restartCoordinator()
    await allIsWell()
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'a disk that is full for tasks: reports wait, which is told with how many, and are stored when there is room',
  async () => {
    // Long enough to end while nothing can be written.
    const id = await system.submit({ durationMs: 2000 })
    await waitFor(async () => (await system.rows([id]))[0]?.state === 'running', { what: 'the task to run' })
    await sql.unsafe(`
      CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '53100'; END $$;
      CREATE TRIGGER broken BEFORE UPDATE ON task_records FOR EACH STATEMENT EXECUTE FUNCTION broken()`)
    try {
      await banner(page)
        .getByText(/^The coordinator at .*The database is out of disk space\. 1 waits\./)
        .waitFor()
      const { status, body } = await ready()
      expect({ status, missing: body.missing }).toEqual({ status: 503, missing: ['coordinator'] })
      const metrics = await (await fetch(`${url}/metrics`)).text()
      expect(metrics).toContain('taskmaster_reports_waiting 1\n')
    } finally {
      await sql`DROP FUNCTION broken CASCADE`
    }
    await system.ended([id])
    expect((await system.rows([id]))[0]).toMatchObject({ state: 'completed', attempt: 1 })
    await allIsWell()
  },
  60_000,
)
