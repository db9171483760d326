import { afterAll, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSite, developSite } from '../../../src/cli/up/site.ts'

const roots: string[] = []
afterAll(() => Promise.all(roots.map((root) => rm(root, { recursive: true }))))

/** An installation whose Vite writes down what it was asked for; the real one is run by the tests of `up`. */
async function install(vite = '') {
  const root = await mkdtemp(join(tmpdir(), 'up-site-'))
  roots.push(root)
  const said: string[] = []
  await Bun.write(join(root, 'web', 'vite.config.ts'), '')
  await Bun.write(join(root, 'web', 'src', 'main.tsx'), 'first')
  await Bun.write(
    join(root, 'node_modules', 'vite', 'bin', 'vite.js'),
    `const [, , , , , out] = process.argv
    ${vite}
    await Bun.write(out + '/index.html', await Bun.file('web/src/main.tsx').text())`,
  )
  return {
    root,
    said,
    build: (signal?: AbortSignal) =>
      buildSite({ root, onProgress: (what) => void said.push(what), ...(signal && { signal }) }),
    page: () => Bun.file(join(root, 'web', 'dist', 'index.html')).text(),
  }
}

test('the dashboard is built when it is not there, and when its source has changed, and else left alone', async () => {
  const { root, build, page, said } = await install()
  await build()
  expect(await page()).toBe('first')
  expect(said).toEqual([
    expect.stringMatching(/^Building the dashboard/),
    expect.stringMatching(/^Built the dashboard in/),
  ])
  await build()
  expect(said).toHaveLength(2)
  await Bun.write(join(root, 'web', 'src', 'main.tsx'), 'second')
  await build()
  expect(await page()).toBe('second')
})

test('two that build at once leave one whole build', async () => {
  const { root, build, page } = await install()
  await Promise.all([build(), build()])
  expect(await page()).toBe('first')
  expect((await readdir(join(root, 'web'))).sort()).toEqual(['dist', 'src', 'vite.config.ts'])
  expect(await readdir(join(root, 'node_modules'))).toEqual(['vite'])
})

test('a build that fails is told, and what was built before stays', async () => {
  const { root, build, page, said } = await install()
  await build()
  await Bun.write(join(root, 'web', 'src', 'main.tsx'), 'broken')
  await Bun.write(
    join(root, 'node_modules', 'vite', 'bin', 'vite.js'),
    'console.error("no such thing"); process.exit(1)',
  )
  await build()
  expect(said.at(-1)).toBe('The dashboard could not be built; everything else works. no such thing')
  expect(await page()).toBe('first')
})

test('a build is given up when the launcher stops', async () => {
  const { build, said } = await install('await new Promise((resolve) => setTimeout(resolve, 60_000))')
  const stop = new AbortController()
  const building = build(stop.signal)
  stop.abort()
  await building
  expect(said.filter((what) => !what.startsWith('Building'))).toEqual([])
})

test('an installation without the source of the dashboard builds none', async () => {
  const { root, build, said } = await install()
  await rm(join(root, 'web'), { recursive: true })
  await build()
  expect(said).toEqual([])
})

test('with hot reload it is served until the launcher stops, and says where', async () => {
  const { root, said } = await install(`
    console.log('  \\x1b[32mLocal\\x1b[0m:   http://localhost:\\x1b[1m5173\\x1b[0m/ for ' + process.env.SCHEDULER_PORT)
    await new Promise((resolve) => setTimeout(resolve, 60_000))`)
  const stop = new AbortController()
  const onProgress = (what: string) => {
    said.push(what)
    stop.abort()
  }
  await developSite({ root, port: 9000, onProgress, signal: stop.signal })
  expect(said).toEqual(['The dashboard with hot reload: http://localhost:5173'])
})

test('when it cannot be served with hot reload, that is told', async () => {
  const { root, said } = await install('console.error("Port 5173 is in use"); process.exit(1)')
  await developSite({ root, port: 9000, onProgress: (what) => void said.push(what) })
  expect(said).toEqual(['The dashboard is not served with hot reload. Port 5173 is in use'])
})
