import { expect, test } from 'bun:test'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { hasBrowser, openPage } from '../../support/browser.ts'
import { startUp, temporaryFolder } from '../../support/up.ts'

const ROOT = join(import.meta.dir, '../../..')

test.skipIf(!hasBrowser)(
  'what the dashboard offers to copy runs in a shell, against the scheduler whose page it is',
  async () => {
    const launcher = await startUp(await temporaryFolder(), { WORKERS: '1' })
    const bin = await temporaryFolder()
    await symlink(process.execPath, join(bin, 'bun'))
    const { page, close } = await openPage()
    await page.goto(launcher.url)
    const fleet = page.getByRole('region', { name: 'Fleet' })
    await fleet.getByText('1 worker online').waitFor()
    await fleet.getByLabel('Worker count').fill('2')
    const run = async (which: RegExp) => {
      const line = await fleet.locator('code').filter({ hasText: which }).textContent()
      const env = { PATH: `${bin}:/usr/bin:/bin` }
      const shell = Bun.spawn(['sh', '-c', line ?? ''], { cwd: ROOT, env, stdout: 'pipe', stderr: 'pipe' })
      const [out, code] = await Promise.all([new Response(shell.stdout).text(), shell.exited])
      return { out, code }
    }
    expect(await run(/ scale /)).toEqual({ out: 'Scaled to 2 workers\n', code: 0 })
    await fleet.getByText('2 workers online').waitFor()
    expect(await run(/ kill /)).toEqual({
      out: expect.stringMatching(/^Killed worker worker-[12]\n$/),
      code: 0,
    })
    await close()
  },
  90_000,
)
