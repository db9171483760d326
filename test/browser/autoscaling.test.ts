import { expect, test } from 'bun:test'
import { hasBrowser, openPage } from '../support/browser.ts'
import { startUp, temporaryFolder } from '../support/up.ts'

test.skipIf(!hasBrowser)(
  'the dashboard says why there are as many workers as there are',
  async () => {
    const launcher = await startUp(await temporaryFolder(), { WORKERS: '1', AUTOSCALE: '1:2' })
    const { page, close } = await openPage()
    await page.goto(launcher.url)
    const fleet = page.getByRole('region', { name: 'Fleet' })
    await fleet.getByText('Kept from 1 to 2 workers. 1 are what it takes. No task waits').waitFor()
    await fetch(`${launcher.url}/api/schedule/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ count: 200, payload: { duration_ms: 1000 } }),
    })
    const line = fleet.getByText(/tasks wait about .* from 1 to 2 workers|2 are what it takes/)
    await line.waitFor()
    await fleet.getByText('2 workers online').waitFor()
    expect(await page.getByText(/^Scaled to 2 workers\. \d+ tasks wait/).count()).toBeGreaterThan(0)
    await close()
  },
  90_000,
)
