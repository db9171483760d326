import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync']

const executablePath = PLACES.find((path) => existsSync(path))

/** Whether this machine has the browser. */
export const hasChromium = executablePath !== undefined

/** @throws when it is not there: see `hasChromium` */
export function launchChromium(flags: string[] = []): Promise<Browser> {
  if (executablePath === undefined) throw new Error('Chromium is missing: install chromium.')
  return chromium.launch({ executablePath, args: [...FLAGS, ...flags] })
}
