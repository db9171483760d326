import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSite } from '../../../src/scheduler/site/site.ts'
import { createServed } from './served.ts'
import { createStand } from './stand.ts'

const HTML = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }
const ID = '00000000-0000-7000-8000-000000000000'
const PAGES = [
  '/',
  '/tasks',
  '/tasks/',
  `/tasks/${ID}`,
  '/workers/7',
  '/schedule',
  '/activity',
  '/tasks?q=state:failed',
]
const SCRIPT = `console.log(${'"of the dashboard";'.repeat(200)})`

let folder = ''
const build = async (page: string) => {
  await Bun.write(join(folder, 'dist', 'index.html'), page)
  await Bun.write(join(folder, 'dist', 'assets', 'main-1a2b.js'), SCRIPT)
  await Bun.write(join(folder, 'dist', 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>')
}
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'site-'))
  await mkdir(join(folder, 'dist'))
  await Bun.write(join(folder, 'secret.txt'), 'not to be read')
  await build('<!doctype html><title>built</title>')
})
afterAll(() => rm(folder, { recursive: true }))

const createBuilt = () => createStand({ site: join(folder, 'dist') })

test('a browser is given the page on every route of the dashboard', async () => {
  const { get } = await createBuilt()
  for (const path of PAGES) {
    const { status, body, headers } = await get(path, HTML)
    expect([path, status, body]).toEqual([path, 200, '<!doctype html><title>built</title>'])
    expect(headers.get('content-type')).toMatch(/^text\/html/)
    expect(headers.get('cache-control')).toBe('no-cache')
    expect(headers.get('vary')).toMatch(/Accept/)
  }
})

test('everybody else is answered by the contract on the same paths', async () => {
  const { get, post } = await createBuilt()
  await post('/tasks', { command: 'x' })
  for (const accept of ['*/*', 'application/json', 'application/json, text/html;q=0', '']) {
    const tasks = await get('/tasks', { accept })
    expect(tasks.body).toMatchObject({ total: 1 })
    expect(tasks.headers.get('vary')).toMatch(/Accept/)
    expect((await get(`/tasks/${ID}`, { accept })).body).toEqual({
      error: 'Task not found',
      code: 'not_found',
    })
    expect((await get('/', { accept })).body).toMatchObject({ name: 'taskmaster' })
  }
  for (const path of ['/workers', '/api/tasks', '/healthz', '/api/stats']) {
    expect((await get(path, HTML)).headers.get('content-type')).toMatch(/^application\/json/)
  }
  expect((await post('/schedule', { command: 'x', scheduled_at: '2030-01-01T00:00:00Z' })).status).toBe(200)
})

test('a page that there is not is the dashboard’s own, as not found; a call that there is not stays JSON', async () => {
  const { get } = await createBuilt()
  const page = await get('/no/such/page', HTML)
  expect([page.status, page.body]).toEqual([404, '<!doctype html><title>built</title>'])
  for (const path of ['/api/nothing', '/assets/gone.js', '/trpcx/../api/x']) {
    expect((await get(path, HTML)).body).toMatchObject({ code: 'not_found' })
  }
  expect((await get('/no/such/page')).body).toMatchObject({ code: 'not_found' })
})

test('assets are kept for ever, other files are asked for again, and what has not changed is not sent', async () => {
  const { get, app } = await createBuilt()
  const asset = await get('/assets/main-1a2b.js')
  expect(asset.body).toBe(SCRIPT)
  expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  expect(asset.headers.get('content-type')).toMatch(/^text\/javascript/)
  const icon = await get('/favicon.svg')
  expect(icon.headers.get('cache-control')).toBe('no-cache')
  expect(icon.headers.get('content-type')).toMatch(/^image\/svg\+xml/)
  const again = await get('/favicon.svg', { 'if-none-match': icon.headers.get('etag')! })
  expect([again.status, again.body]).toEqual([304, ''])
  expect((await get('/favicon.svg', { 'if-none-match': '"other"' })).status).toBe(200)
  const head = await app.request('/assets/main-1a2b.js', { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
})

test('what is large is sent compressed to whoever takes that', async () => {
  const { url } = await createServed({ site: join(folder, 'dist') })
  const response = await fetch(`${url}/assets/main-1a2b.js`, {
    headers: { 'accept-encoding': 'gzip' },
    decompress: false,
  })
  const bytes = await response.bytes()
  expect(response.headers.get('content-encoding')).toBe('gzip')
  expect(response.headers.get('vary')).toMatch(/Accept-Encoding/)
  expect(bytes.length).toBeLessThan(SCRIPT.length / 2)
  expect(new TextDecoder().decode(Bun.gunzipSync(new Uint8Array(bytes)))).toBe(SCRIPT)
})

test('no path leads out of the build', async () => {
  const site = createSite(join(folder, 'dist'))
  for (const path of ['/../secret.txt', '/assets/../../secret.txt', '//secret.txt', `${folder}/secret.txt`]) {
    expect([path, await site.file(path)]).toEqual([path, null])
  }
  const { url } = await createServed({ site: join(folder, 'dist') })
  for (const path of ['/..%2fsecret.txt', '/assets/%2e%2e%2f%2e%2e%2fsecret.txt', '//secret.txt']) {
    expect([path, (await fetch(`${url}${path}`)).status]).toEqual([path, 404])
  }
})

describe('while nothing is built', () => {
  test('a browser is told how to build it, and everything else works', async () => {
    const { get } = await createStand({ site: join(folder, 'nowhere') })
    for (const path of PAGES) {
      const { status, body } = await get(path, HTML)
      expect(status).toBe(503)
      expect(body).toContain('bun run build')
    }
    expect((await get('/tasks')).status).toBe(200)
  })

  test('a build that comes, or is renewed, is seen without a restart', async () => {
    const site = join(folder, 'later')
    const { get } = await createStand({ site })
    expect((await get('/', HTML)).status).toBe(503)
    for (const [index, title] of ['first', 'second'].entries()) {
      await Bun.write(join(site, 'index.html'), title)
      await utimes(join(site, 'index.html'), index + 1, index + 1)
      expect((await get('/', HTML)).body).toBe(title)
    }
  })
})
