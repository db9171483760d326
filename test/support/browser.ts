import { afterAll } from 'bun:test'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { hasChromium, launchChromium } from './chromium.ts'

const ARTIFACTS = join(import.meta.dir, '..', '..', 'artifacts')

/** Whether there is a browser to test with; said once per file when there is none. */
export const hasBrowser = hasChromium
if (!hasBrowser) console.log('Chromium is missing, so the tests in a browser are skipped: install chromium.')

let browser: Promise<Browser> | undefined

/**
 * A page of a fresh profile. What it logs as an error, and what it throws, is collected in `faults`. Nothing moves by itself
 * unless asked for: software draws it, and what is in transition would have to be waited for.
 */
export async function openPage(
  options: BrowserContextOptions = {},
): Promise<{ page: Page; faults: string[]; close(): Promise<void> }> {
  browser ??= launchChromium()
  const context = await (await browser).newContext({
    viewport: { width: 1280, height: 860 },
    reducedMotion: 'reduce',
    ...options,
  })
  const page = await context.newPage()
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text())
  })
  return { page, faults, close: () => context.close() }
}

/** Keeps how a page looks in `artifacts/` when TEST_SCREENSHOTS is set: pictures take as long as the tests. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  if (!process.env.TEST_SCREENSHOTS) return
  await mkdir(ARTIFACTS, { recursive: true })
  // All of it is brought into view, because what is not is not drawn.
  const before = page.viewportSize()
  const height = await page.evaluate<number>('document.documentElement.scrollHeight')
  if (before) await page.setViewportSize({ ...before, height: Math.max(before.height, height) })
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')
  await page.screenshot({ path: join(ARTIFACTS, `${name}.png`), fullPage: true, animations: 'disabled' })
  if (before) await page.setViewportSize(before)
}

afterAll(async () => {
  await (await browser)?.close()
})
