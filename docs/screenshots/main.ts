/** Takes the pictures of the README anew, of a real system: `bun run screenshots`, about two minutes. */
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { launchChromium } from '../../test/support/chromium.ts'
import { encodePng } from './png.ts'
import { type Shown, startShown } from './system.ts'
import { encodeAnimation, type Frame } from './webp.ts'

const IMAGES = join(import.meta.dir, '..', 'images')
const WORKERS = 4
/** Twenty slots, a little more than half of them busy. */
const TASKS_PER_SECOND = 2.3
const SHORTEST_MS = 2000
const LONGEST_MS = 8000
const COMMANDS = ['send the report', 'resize images', 'reindex', 'bill customers', 'sync calendar']
/** The lanes show a minute: after that they are full. */
const WARM_UP_MS = 62_000
const LOOKS = { viewport: { width: 1280, height: 900 }, deviceScaleFactor: 2 }
const THEMES = ['light', 'dark'] as const

const ANIMATION = { beforeMs: 1000, asksMs: 1500, afterMs: 7500, width: 960, quality: 0.64 }
const FRAME_MS = 250

const system = await startShown(WORKERS)
const browser = await launchChromium()
try {
  const codec = await browser.newPage()
  await codec.addScriptTag({ path: join(import.meta.dir, 'codec.js') })
  const ended = new AbortController()
  const working = keepBusy(system, ended.signal)

  const page = await (await browser.newContext(LOOKS)).newPage()
  const stage = await (
    await browser.newContext({ baseURL: system.url, viewport: { width: 1200, height: 700 } })
  ).newPage()
  for (const each of [page, stage]) {
    await each.goto(system.url)
    await each.getByText('Live', { exact: true }).waitFor()
  }
  console.log(`Working for ${WARM_UP_MS / 1000} s, so that there is something to see …`)
  await Bun.sleep(WARM_UP_MS)
  await recordKill(stage, codec)
  for (const theme of THEMES) await takePicture(page, codec, 'home', theme)
  await page.goto(`${system.url}/tasks`)
  await page.locator('[data-id]').first().waitFor()
  for (const theme of THEMES) await takePicture(page, codec, 'tasks', theme)
  ended.abort()
  await working
} finally {
  await browser.close()
  await system.stop()
}
process.exit(0)

/** Tasks of all kinds and lengths, until it is told to end. */
async function keepBusy({ post }: Shown, signal: AbortSignal): Promise<void> {
  const draw = (from: number, to: number) => Math.round(from + Math.random() * (to - from))
  for (let count = 0; !signal.aborted; count++) {
    await post('/tasks', {
      command: COMMANDS[count % COMMANDS.length],
      payload: { duration_ms: draw(SHORTEST_MS, LONGEST_MS), ...(count % 17 === 9 && { failure_rate: 1 }) },
    })
    await Bun.sleep((1000 / TASKS_PER_SECOND) * (0.4 + 1.2 * Math.random()))
  }
}

async function takePicture(page: Page, codec: Page, name: string, theme: (typeof THEMES)[number]) {
  await page.emulateMedia({ colorScheme: theme })
  // Charts are drawn anew once a second.
  await Bun.sleep(1500)
  const shot = (await page.screenshot({ animations: 'disabled' })).toString('base64')
  const { width, height, palette, pixels } = await codec.evaluate<{
    width: number
    height: number
    palette: number[]
    pixels: string
  }>(`reduceColours(${JSON.stringify(shot)})`)
  const png = encodePng({
    width,
    height,
    palette: Uint8Array.from(palette),
    pixels: Buffer.from(pixels, 'base64'),
  })
  await keep(`${name}-${theme}.png`, png)
}

type Change = Omit<Frame, 'webp' | 'ms'> & { webp: string; all: [number, number] }

/** Kills a worker from the page, and makes an animation of what is seen of that. */
async function recordKill(page: Page, codec: Page): Promise<void> {
  const shots: { at: number; shot: string }[] = []
  const watch = async (forMs: number) => {
    for (const end = performance.now() + forMs; performance.now() < end; ) {
      const at = performance.now()
      shots.push({ at, shot: (await page.screenshot()).toString('base64') })
      await Bun.sleep(Math.max(0, at + FRAME_MS - performance.now()))
    }
  }
  const { beforeMs, asksMs, afterMs, width, quality } = ANIMATION
  const victim = await busiest(page)
  await page.getByRole('combobox', { name: 'Worker to kill' }).selectOption(victim)
  await watch(beforeMs)
  await page.getByRole('button', { name: `Kill ${victim}` }).click()
  await watch(asksMs)
  await page.getByRole('alertdialog').getByRole('button', { name: 'Kill worker' }).click()
  await watch(afterMs)

  const frames: Frame[] = []
  let size: [number, number] = [0, 0]
  for (const [index, { at, shot }] of shots.entries()) {
    const ms = (shots[index + 1]?.at ?? at + 2500) - at
    const change = await codec.evaluate<Change | null>(
      `encodeChange(${JSON.stringify(shot)}, ${width}, ${quality})`,
    )
    const last = frames.at(-1)
    if (change) {
      size = change.all
      frames.push({ ...change, webp: Buffer.from(change.webp, 'base64'), ms })
    } else if (last) last.ms += ms
  }
  await keep('kill.webp', encodeAnimation(...size, frames))
}

/** The worker whose death is the most to see. */
async function busiest(page: Page): Promise<string> {
  const response = await page.request.get('/api/workers')
  const workers = (await response.json()) as { name: string; busy_slots: number }[]
  const [first] = workers.toSorted((a, b) => b.busy_slots - a.busy_slots)
  if (!first) throw new Error('there is no worker to kill')
  return first.name
}

async function keep(name: string, bytes: Buffer): Promise<void> {
  await Bun.write(join(IMAGES, name), bytes)
  console.log(`docs/images/${name}: ${Math.round(bytes.length / 1024)} KiB`)
}
