import { join } from 'node:path'
import type { Browser, CDPSession, Page } from 'playwright-core'
import { freePort } from '../src/cli/up/ports.ts'
import { buildSite } from '../src/cli/up/site.ts'
import { hasChromium, launchChromium } from '../test/support/chromium.ts'
import { type Process, startBenchDatabase, startProcess } from './cluster.ts'
import { percentile } from './percentile.ts'
import { measureSizes } from './sizes.ts'

export interface DashboardBenchOptions {
  json: boolean
  /** How long the heap is watched after the load. */
  minutes: number
}

interface Figure {
  what: string
  value: number
  unit: string
  /** The most that it may be; null where nothing was promised. */
  budget: number | null
}

/** What the browser says of one stretch of time. */
interface Taken {
  /** ms between frames. */
  frames: number[]
  longTasks: { startTime: number; duration: number }[]
  /** ms from an event, by the database's clock, to its being drawn. */
  latencies: number[]
  nodes: number
  mostOpen: number
  at: number
}

const WORKERS = ['worker-1', 'worker-2', 'worker-3']
const QUEUED = 10_000
const LOAD_MS = 60_000
/** Three workers × five slots, this long each: about 290 tasks a second, with three events each beside their own. */
const TASK_MS = 50
const FED_PER_SECOND = 130
const FEED_PAUSE_MS = 200
/** Of the load, before what is counted: the scripts are compiled, the queue is there. */
const SETTLE_MS = 2000
const SLOWDOWN = 4
const FIRST_PAINTS = 5
const LONG_MS = 50

/**
 * Measures the dashboard in headless Chromium against a real system: what it weighs, how soon it is seen on a slow
 * machine, how smooth it stays under load and what it holds after that. Sets the exit code to 1 when a budget is
 * missed.
 */
export async function measureDashboard({ json, minutes }: DashboardBenchOptions): Promise<void> {
  if (!hasChromium) throw new Error('Chromium is missing: install chromium to measure the dashboard.')
  const say = (what: string) => {
    if (!json) console.log(what)
  }
  await buildSite({ onProgress: say })
  const sizes = await measureSizes()
  say('Starting PostgreSQL, a coordinator, a scheduler, three workers and Chromium …')
  const browser = await launchChromium()
  const stand = await startStand()
  try {
    say(`First paint, ${FIRST_PAINTS} fresh profiles at ${SLOWDOWN}× CPU slowdown …`)
    const paints = await measureFirstPaint(browser, stand.url)

    const page = await (await browser.newContext({ viewport: { width: 1280, height: 860 } })).newPage()
    await page.addInitScript({ path: join(import.meta.dir, 'recorder.js') })
    await page.goto(stand.url)
    await page.getByText('Live', { exact: true }).waitFor()
    const session = await page.context().newCDPSession(page)
    say(`Idle for 10 s, then ${QUEUED.toLocaleString('en')} tasks and more for ${LOAD_MS / 1000} s …`)
    await take(page)
    await Bun.sleep(10_000)
    const idle = await take(page)
    const heapBefore = await heapMiB(session)

    const before = await stand.events()
    await stand.queue(QUEUED)
    const startedAt = performance.now()
    const feeding = stand.feed(FED_PER_SECOND, LOAD_MS)
    await Bun.sleep(SETTLE_MS)
    await take(page)
    const tasks = await traceTasks(browser, page, () => feeding)
    const loaded = await take(page)
    const events = ((await stand.events()) - before) / ((performance.now() - startedAt) / 1000)
    const heapLoaded = await heapMiB(session)

    say(`The heap for ${minutes} min, while a little happens …`)
    await stand.feed(20, minutes * 60_000)
    const heapAfter = await heapMiB(session)
    const after = await take(page)

    const longOnes = loaded.longTasks.filter(({ duration }) => duration > LONG_MS)
    const figures: Figure[] = [
      { what: 'initial JavaScript, gzip', value: sizes.initialKiB, unit: 'KiB', budget: 60 },
      { what: 'all JavaScript, gzip', value: sizes.allKiB, unit: 'KiB', budget: 110 },
      {
        what: `first paint at ${SLOWDOWN}× slowdown, median`,
        value: percentile(paints.first, 0.5),
        unit: 'ms',
        budget: null,
      },
      {
        what: `live figures at ${SLOWDOWN}× slowdown, median`,
        value: percentile(paints.live, 0.5),
        unit: 'ms',
        budget: null,
      },
      { what: 'frame while idle, p95', value: percentile(idle.frames, 0.95), unit: 'ms', budget: null },
      { what: 'events while loaded', value: events, unit: '/s', budget: null },
      { what: 'frame while loaded, p95', value: percentile(loaded.frames, 0.95), unit: 'ms', budget: 20 },
      { what: 'frame while loaded, p99', value: percentile(loaded.frames, 0.99), unit: 'ms', budget: null },
      { what: `tasks over ${LONG_MS} ms after the first 2 s`, value: longOnes.length, unit: '', budget: 0 },
      {
        what: 'the longest of them',
        value: Math.max(0, ...longOnes.map(({ duration }) => duration)),
        unit: 'ms',
        budget: null,
      },
      {
        what: `of the processor, tasks over ${LONG_MS} ms`,
        value: tasks.filter((ms) => ms > LONG_MS).length,
        unit: '',
        budget: 0,
      },
      { what: 'of the processor, the longest task', value: Math.max(0, ...tasks), unit: 'ms', budget: null },
      {
        what: 'of the processor, all tasks together',
        value: (sumOf(tasks) / LOAD_MS) * 100,
        unit: '%',
        budget: null,
      },
      { what: 'event to pixel, p50', value: percentile(loaded.latencies, 0.5), unit: 'ms', budget: null },
      { what: 'event to pixel, p95', value: percentile(loaded.latencies, 0.95), unit: 'ms', budget: 250 },
      { what: 'event to pixel, samples', value: loaded.latencies.length, unit: '', budget: null },
      {
        what: 'DOM nodes, most',
        value: Math.max(idle.nodes, loaded.nodes, after.nodes),
        unit: '',
        budget: 2500,
      },
      { what: 'event streams at once, most', value: after.mostOpen, unit: '', budget: 1 },
      { what: 'heap before the load', value: heapBefore, unit: 'MiB', budget: null },
      { what: 'heap after the load', value: heapLoaded, unit: 'MiB', budget: null },
      { what: `heap ${minutes} min later`, value: heapAfter, unit: 'MiB', budget: heapLoaded + 2 },
    ]
    if (!json) console.table(Object.fromEntries(figures.map(describe)))
    console.log(JSON.stringify(figures))
    if (figures.some((figure) => !holds(figure))) process.exitCode = 1
  } finally {
    await browser.close()
    await stand.stop()
  }
}

const holds = ({ value, budget }: Figure) => budget === null || value <= budget

function describe(figure: Figure): [string, { measured: string; budget: string; '': string }] {
  const { what, value, unit, budget } = figure
  const write = (number: number) => `${Number(number.toFixed(1)).toLocaleString('en')} ${unit}`.trim()
  return [
    what,
    {
      measured: write(value),
      budget: budget === null ? '' : `≤ ${write(budget)}`,
      '': budget === null ? '' : holds(figure) ? 'holds' : 'MISSED',
    },
  ]
}

const sumOf = (values: number[]) => values.reduce((sum, value) => sum + value, 0)

const take = (page: Page) => page.evaluate<Taken>('takeRecord()')

interface TraceEvent {
  name: string
  pid: number
  tid: number
  /** µs: by the clock, and of the processor. */
  dur?: number
  tdur?: number
  args?: { name?: string }
}

/**
 * ms of processor time that each task of the page's main thread took: by the clock, one also takes what the machine
 * gave to others meanwhile.
 */
async function traceTasks(browser: Browser, page: Page, during: () => Promise<unknown>): Promise<number[]> {
  await browser.startTracing(page, { categories: ['toplevel'] })
  await during()
  const { traceEvents }: { traceEvents: TraceEvent[] } = JSON.parse(
    new TextDecoder().decode(await browser.stopTracing()),
  )
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid}/${tid}`),
  )
  const tasks = traceEvents.filter(
    ({ name, pid, tid }) => name === 'ThreadControllerImpl::RunTask' && mains.has(`${pid}/${tid}`),
  )
  return tasks.map(({ tdur = 0 }) => tdur / 1000)
}

/** After a collection, so that what is left is held. */
async function heapMiB(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  return usedSize / 1024 ** 2
}

/** ms from the navigation to the first content, and to the first figures that came over the stream. */
async function measureFirstPaint(
  browser: Browser,
  url: string,
): Promise<{ first: number[]; live: number[] }> {
  const first: number[] = []
  const live: number[] = []
  for (let turn = 0; turn < FIRST_PAINTS; turn++) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 860 } })
    const page = await context.newPage()
    const session = await context.newCDPSession(page)
    await session.send('Emulation.setCPUThrottlingRate', { rate: SLOWDOWN })
    await page.goto(url)
    await page.getByText('Live', { exact: true }).waitFor()
    live.push(await page.evaluate<number>('performance.now()'))
    first.push(
      await page.evaluate<number>(`performance.getEntriesByName('first-contentful-paint')[0].startTime`),
    )
    await context.close()
  }
  return { first, live }
}

async function startStand() {
  const database = await startBenchDatabase()
  const processes: Process[] = []
  const stop = async () => {
    await Promise.allSettled(processes.map((process) => process.stop()))
    await database.stop()
  }
  try {
    const port = await freePort('127.0.0.1')
    const COORDINATOR_ADDRESS = `127.0.0.1:${port}`
    const start = async (...given: Parameters<typeof startProcess>) => {
      const process = await startProcess(...given)
      processes.push(process)
      return process
    }
    const { sql, settings } = database
    await start('coordinator', 'coordinator', settings, { COORDINATOR_PORT: String(port) })
    const worker = { TASK_PROCESS_TIME: String(TASK_MS), COORDINATOR_ADDRESS }
    await Promise.all(
      WORKERS.map((name) => start('worker', name, settings, { ...worker, WORKER_NAME: name })),
    )
    const scheduler = await start('scheduler', 'scheduler', settings, { COORDINATOR_ADDRESS })
    const url = `http://127.0.0.1:${scheduler.port}`

    const create = async (count: number) => {
      const response = await fetch(`${url}/api/schedule/batch`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ count }),
      })
      if (!response.ok) throw new Error(`tasks were not created: ${await response.text()}`)
    }
    return {
      url,
      stop,
      async queue(count: number) {
        for (let left = count; left > 0; left -= 1000) await create(Math.min(1000, left))
      },
      async feed(perSecond: number, forMs: number) {
        const begun = performance.now()
        let created = 0
        while (performance.now() - begun < forMs) {
          const due = Math.floor(((performance.now() - begun) / 1000) * perSecond) - created
          if (due > 0) await create(due)
          created += Math.max(0, due)
          await Bun.sleep(FEED_PAUSE_MS)
        }
      },
      /** How many events there have been: a task is scheduled, assigned, started and completed. */
      async events(): Promise<number> {
        const [row] = await sql<{ events: number }[]>`
          SELECT (count(*) + count(picked_at) + count(started_at) + count(completed_at))::float8 AS events FROM tasks`
        return row?.events ?? 0
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}
