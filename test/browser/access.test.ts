import { beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { hasBrowser, keepScreenshot, openPage } from '../support/browser.ts'
import { createTestDatabase, databaseEnv, type TestDatabase } from '../support/database.ts'
import { type Launcher, startUp, temporaryFolder } from '../support/up.ts'
import { waitFor } from '../support/wait.ts'

const AXE = join(import.meta.dir, '..', '..', 'node_modules', 'axe-core', 'axe.min.js')
const RULES = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }
/** Those of them that look at colours: all others find in another look what they found in the first. */
const RULES_OF_COLOUR = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] }
/** CSS px that a target must be wide and high. */
const LEAST_TARGET = 24

let database: TestDatabase
let system: Launcher
/** A task that ended, one that never begins and one that failed. */
let ended: string
let later: string
let failed: string
/** A schedule with a ledger. */
let recurring: string
/** A workflow that goes on, and a task in the middle of it. */
let workflow: string
let step: string

beforeAll(async () => {
  if (!hasBrowser) return
  database = await createTestDatabase()
  system = await startUp(await temporaryFolder(), {
    ...databaseEnv(database.settings),
    TASK_PROCESS_TIME: '20',
  })
  ended = await post('/api/schedule', { command: 'demo-job', scheduled_at: '2020-01-01T00:00:00Z' })
  await post('/api/schedule/batch', { count: 40, command: 'demo-job' })
  later = await post('/api/schedule', { command: 'much later', scheduled_at: '2099-01-01T00:00:00Z' })
  failed = await post('/api/schedule', {
    command: 'fails',
    scheduled_at: '2020-01-01T00:00:00Z',
    payload: { failure_rate: 1 },
  })
  await waitFor(
    async () =>
      (await database.sql`SELECT FROM tasks WHERE id = ${failed} AND state = 'failed'`).length === 1,
    { what: 'a task to fail' },
  )
  recurring = await post(
    '/api/schedules',
    { name: 'nightly', cron: '30 2 * * *', time_zone: 'Europe/Berlin', task: { command: 'demo-job' } },
    'schedule_id',
  )
  await post(`/api/schedules/${recurring}/run-now`, {})
  const tasks = [
    { key: 'load', command: 'load' },
    { key: 'check', command: 'check', depends_on: ['load'], payload: { failure_rate: 1 } },
    { key: 'report', command: 'report', depends_on: ['load', 'check'] },
    { key: 'tidy', command: 'tidy', depends_on: ['load'], delay_seconds: 86_400 },
  ]
  workflow = await post('/api/workflows', { name: 'nightly', tasks }, 'workflow_id')
  const found = await database.sql<{ id: string }[]>`SELECT id FROM tasks WHERE workflow_key = 'check'`
  step = found[0]!.id
  // A queue that rests, which the overview says too.
  await post('/api/queues/letters/pause', { by: 'a test' })
  await post('/trpc/queues.edit', { queue: 'mail', concurrency: 5, per_key: { concurrency: 1 } })
  // A worker is lost, so that there are torn bars and moved tasks to look at.
  await post('/api/schedule/batch', { count: 15, command: 'moves', payload: { duration_ms: 2000 } })
  const countOf = async (condition: ReturnType<typeof database.sql>) =>
    (await database.sql`SELECT FROM tasks WHERE command = 'moves' AND ${condition}`).length
  await waitFor(async () => (await countOf(database.sql`state = 'running'`)) === 15, {
    what: 'fifteen to run',
  })
  await post('/api/workers/kill', { name: 'worker-3' })
  await waitFor(async () => (await countOf(database.sql`losses > 0 AND started_at IS NOT NULL`)) > 0, {
    what: 'tasks to run again elsewhere',
  })
}, 120_000)

async function post(path: string, body: object, id = 'task_id'): Promise<string> {
  const headers = { 'Content-Type': 'application/json' }
  const response = await fetch(`${system.url}${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  expect(response.status).toBe(200)
  return ((await response.json()) as Record<string, string>)[id] ?? ''
}

interface Place {
  path: string
  /** What is seen last of it, so that it is looked at whole. */
  last: string
  /** What has to be done there first. */
  prepare?: (page: Page) => Promise<void>
}

/** Opens a question about all that the list shows. */
const askAll = (action: string) => async (page: Page) => {
  await page.getByRole('button', { name: /^Select all/ }).click()
  await page.getByRole('button', { name: action, exact: true }).click()
}

/** Opens all that is folded on a page. */
const openDetails = async (page: Page) => {
  for (const summary of await page.locator('summary').all()) await summary.click()
}

const places = (): Record<string, Place> => ({
  home: { path: '/', last: '.charts canvas' },
  'home-as-table': {
    path: '/',
    last: '.charts canvas',
    prepare: (page) => page.getByRole('button', { name: 'As a table' }).click(),
  },
  tasks: { path: '/tasks', last: '[data-id]' },
  task: { path: `/tasks/${ended}`, last: '.timeline' },
  'failed-task': { path: `/tasks/${failed}?attempt=1`, last: '.timeline' },
  worker: { path: '/workers/worker-1', last: 'h1' },
  schedule: { path: '/schedule', last: 'h1', prepare: openDetails },
  schedules: { path: '/schedules', last: 'tbody tr' },
  'new-schedule': {
    path: '/schedules/new',
    last: '.ticks li',
    prepare: (page) => page.getByText('Options').click(),
  },
  'recurring-schedule': { path: `/schedules/${recurring}`, last: 'tbody tr' },
  'edited-schedule': { path: `/schedules/${recurring}?edit=1`, last: '.ticks li' },
  'delete-schedule-dialog': { path: `/schedules/${recurring}?dialog=delete`, last: 'dialog[open]' },
  workflows: { path: '/workflows', last: 'tbody tr' },
  workflow: { path: `/workflows/${workflow}`, last: '.graph-failed' },
  'cancel-workflow-dialog': { path: `/workflows/${workflow}?dialog=cancel`, last: 'dialog[open]' },
  'task-in-workflow': { path: `/tasks/${step}`, last: '#relatives-title' },
  queues: { path: '/queues', last: 'tbody tr' },
  'pause-dialog': { path: '/queues?dialog=pause&queue=mail', last: 'dialog[open]' },
  'limits-dialog': { path: '/queues?dialog=limits&queue=mail', last: 'dialog[open]' },
  'new-queue-dialog': { path: '/queues?dialog=limits', last: 'dialog[open]' },
  activity: { path: '/activity', last: 'h1' },
  nowhere: { path: '/nowhere', last: 'h1' },
  'help-dialog': { path: '/?dialog=help', last: 'dialog[open]' },
  'kill-dialog': { path: '/?dialog=kill&worker=worker-1', last: 'dialog[open]' },
  'cancel-dialog': { path: `/tasks/${later}?dialog=cancel`, last: 'dialog[open]' },
  'discard-dialog': { path: `/tasks/${failed}?dialog=discard`, last: 'dialog[open]' },
  'cancel-all-dialog': { path: '/tasks?q=state:pending', last: 'dialog[open]', prepare: askAll('Cancel') },
  'discard-all-dialog': { path: '/tasks?q=state:failed', last: 'dialog[open]', prepare: askAll('Discard') },
})

async function goTo(page: Page, { path, last, prepare }: Place): Promise<void> {
  await page.goto(`${system.url}${path}`)
  await page.getByText('Live', { exact: true }).waitFor()
  await prepare?.(page)
  await page.locator(last).first().waitFor({ state: 'attached' })
}

interface Violation {
  id: string
  nodes: { html: string; failureSummary: string }[]
}

/** How a page may be shown: axe looks at each, and a page is opened once for all of them. */
type Look = { colorScheme: 'light' | 'dark'; forcedColors: 'none' | 'active' }
const LIGHT: Look = { colorScheme: 'light', forcedColors: 'none' }
const DARK: Look = { colorScheme: 'dark', forcedColors: 'none' }
const FORCED: [Look, Look] = [
  { colorScheme: 'light', forcedColors: 'active' },
  { colorScheme: 'dark', forcedColors: 'active' },
]

/** Shows the page that is open in another way, and waits until no colour is on its way. */
async function show(page: Page, look: Look): Promise<void> {
  await page.emulateMedia(look)
  await page.evaluate(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))).then(() =>
    Promise.allSettled(document.getAnimations().filter((one) => one instanceof CSSTransition).map((one) => one.finished)))`)
}

/** What axe finds wrong by these rules. */
async function findViolations(page: Page, rules: typeof RULES): Promise<string[]> {
  if (!(await page.evaluate<boolean>('"axe" in window'))) await page.evaluate(await Bun.file(AXE).text())
  const violations = await page.evaluate<Violation[]>(
    `axe.run(document, { runOnly: ${JSON.stringify(rules)}, resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, nodes }) =>
    ({ id, nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })) })))`,
  )
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id} ${html.slice(0, 160)} ${failureSummary}`),
  )
}

/** What can be clicked and is smaller than it may be; links in a line of text may be as high as that. */
const findSmallTargets = (page: Page): Promise<string[]> =>
  page.evaluate(`[...document.querySelectorAll('a, button, input, select, textarea, summary')].flatMap((element) => {
    const target = element.closest('label') ?? element
    const { width, height } = target.getBoundingClientRect()
    const isHidden = !element.checkVisibility() || width <= 1 || element.matches('.skip, :disabled')
    const isInLine = element.matches('a') && getComputedStyle(element).display === 'inline'
    if (isHidden || isInLine || (width >= ${LEAST_TARGET} && height >= ${LEAST_TARGET})) return []
    return [element.outerHTML.slice(0, 100) + ' is ' + width + ' x ' + height]
  })`)

const findOverflow = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')

const WIDE = 1280
const NARROW = 375
const HEIGHT = 860

test.skipIf(!hasBrowser)(
  `check 12: axe finds nothing on any page or dialog, at ${WIDE} px however it is coloured and at ${NARROW} px, and targets are large enough`,
  async () => {
    const found: string[] = []
    const { page, close } = await openPage({ viewport: { width: WIDE, height: HEIGHT } })
    for (const [name, place] of Object.entries(places())) {
      await page.setViewportSize({ width: WIDE, height: HEIGHT })
      await page.emulateMedia(LIGHT)
      await goTo(page, place)
      // Which colours there are does not depend on the width, and those that are forced are the reader's.
      for (const [width, looks] of [[WIDE, [LIGHT, DARK, FORCED[1]]] as const, [NARROW, [LIGHT]] as const]) {
        await page.setViewportSize({ width, height: HEIGHT })
        for (const look of looks) {
          const how = `${name}-${look.colorScheme}${look.forcedColors === 'active' ? '-forced' : ''}-${width}`
          await show(page, look)
          const rules = look === LIGHT ? RULES : RULES_OF_COLOUR
          for (const what of await findViolations(page, rules)) found.push(`${how}: ${what}`)
          await keepScreenshot(page, how)
        }
        for (const what of await findSmallTargets(page)) found.push(`${name} at ${width} px: ${what}`)
        const overflow = await findOverflow(page)
        if (overflow > 0) found.push(`${name}: wider than its ${width} px by ${overflow}`)
      }
    }
    await close()
    expect(found).toEqual([])
  },
  300_000,
)

test.skipIf(!hasBrowser)(
  'check 12: who wants less motion gets a picture a second, and nothing that moves by itself',
  async () => {
    const paintsOf = async (reducedMotion: 'reduce' | 'no-preference') => {
      const { page, close } = await openPage({ reducedMotion })
      await page.addInitScript(`
        window.paints = 0
        const { clearRect } = CanvasRenderingContext2D.prototype
        CanvasRenderingContext2D.prototype.clearRect = function (...args) {
          if (this.canvas.closest('.lane-picture')) window.paints++
          return clearRect.apply(this, args)
        }`)
      await goTo(page, { path: '/', last: '.charts canvas' })
      const paints = await page.evaluate<number>(`new Promise((resolve) => {
        window.paints = 0
        setTimeout(() => resolve(window.paints), 3000)
      })`)
      await page.getByRole('button', { name: 'Pause' }).hover()
      const moving = await page.evaluate<number>('document.getAnimations().length')
      await close()
      return { paints, moving }
    }
    const calm = await paintsOf('reduce')
    expect(calm.paints).toBeWithin(1, 5)
    expect(calm.moving).toBe(0)
    expect((await paintsOf('no-preference')).paints).toBeGreaterThan(10)
  },
  60_000,
)

for (const look of FORCED)
  test.skipIf(!hasBrowser)(
    `check 12: in forced colours, ${look.colorScheme}, what is chosen can be told from what is not`,
    async () => {
      const { page, close } = await openPage(look)
      await goTo(page, { path: '/tasks?q=state:failed', last: '[data-id]' })
      const outlines = await page.evaluate<Record<string, string>>(
        `Object.fromEntries(['true', 'false'].map((pressed) => {
          const { outlineStyle, outlineWidth } = getComputedStyle(document.querySelector('.states [aria-pressed=' + pressed + ']'))
          return [pressed, outlineStyle + ' ' + outlineWidth]
        }))`,
      )
      expect(outlines.true).toStartWith('solid')
      expect(outlines.false).not.toBe(outlines.true as string)
      // The picture is drawn in the reader's own colours, on the reader's ground.
      await goTo(page, { path: '/', last: '.lane-picture canvas' })
      const colours = await page.evaluate<string[]>(
        `['--surface', '--ink', '--running', '--failed'].map((name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim())`,
      )
      expect(colours).toEqual(['Canvas', 'CanvasText', 'Highlight', 'LinkText'])
      await close()
    },
    120_000,
  )
