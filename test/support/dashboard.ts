import type { Locator, Page } from 'playwright-core'

/** The states that have a tile, as they are titled. */
export const TILES = ['Pending', 'Assigned', 'Running', 'Completed', 'Failed', 'Cancelled'] as const

export type Figures = Record<string, number>

const READ_TILES = `Object.fromEntries([...document.querySelectorAll('.tile')].map((tile) =>
  [tile.getAttribute('aria-label'), Number(tile.querySelector('.tile-value').textContent.replaceAll(',', ''))]))`

/** The figures of every tile at one moment. */
export const readTiles = (page: Page): Promise<Figures> => page.evaluate(READ_TILES)

/** The figures of every frame that is shown, for so many ms. */
export const watchTiles = (page: Page, forMs: number): Promise<Figures[]> =>
  page.evaluate(`(async () => {
    const samples = []
    for (const end = performance.now() + ${forMs}; performance.now() < end; ) {
      samples.push(${READ_TILES})
      await new Promise(requestAnimationFrame)
    }
    return samples
  })()`)

export const sumOf = (tiles: Figures): number =>
  TILES.reduce((sum, name) => sum + (tiles[name] ?? Number.NaN), 0)

/** The rows of the lanes for those who cannot see the picture. */
export const slotRows = (page: Page): Locator =>
  page.getByRole('region', { name: 'Slot lanes' }).getByRole('row', { name: /slot \d/ })

/** Keeps the number of every live message that reaches a page opened from now on; see `takeSeqs`. */
export async function recordSeqs(page: Page): Promise<void> {
  await page.addInitScript(`
    window.seqs = []
    window.EventSource = class extends EventSource {
      constructor(...args) {
        super(...args)
        this.addEventListener('message', ({ data }) => window.seqs.push(JSON.parse(data).seq))
      }
    }`)
}

export const takeSeqs = (page: Page): Promise<number[]> => page.evaluate('window.seqs')

const MOST_STOPS = 120

/** Goes there as a person without a mouse does, the shorter way. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let stop = 0; stop < MOST_STOPS; stop++) {
    const way = await target.evaluate((element) => {
      const { activeElement, body } = element.ownerDocument
      if (element === activeElement) return 'there'
      if (activeElement === null || activeElement === body) return 'on'
      // 2: the target precedes what has the focus.
      return activeElement.compareDocumentPosition(element) & 2 ? 'back' : 'on'
    })
    if (way === 'there') return
    await page.keyboard.press(way === 'back' ? 'Shift+Tab' : 'Tab')
  }
  throw new Error(`${MOST_STOPS} Tabs do not lead to ${target}`)
}
