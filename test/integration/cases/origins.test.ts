import { expect, test } from 'bun:test'
import { origins } from '../../../src/scheduler/rest/origin.ts'
import { readSettings } from '../../../src/shared/settings.ts'
import { createServed } from '../scheduler/served.ts'

const SITE = 'http://localhost:3000'
const { url, sql } = await createServed({ origins: [SITE] })

const { routes } = (await (await fetch(url, { headers: { accept: 'application/json' } })).json()) as {
  routes: string[]
}
const CHANGES = [
  ...routes.filter((route) => !/^(GET|HEAD) /.test(route)),
  'POST /trpc/tasks.submit',
  'POST /trpc/queues.pause',
].map((route) => route.split(' ') as [method: string, path: string])

/** As a page sends it whose requests are passed on with the scheduler's own name as the host. */
const ask = async (origin: string, method: string, path: string) => {
  const headers = { origin, 'content-type': 'application/json' }
  const response = await fetch(url + path.replace(/:\w+/g, 'x'), { method, headers, body: '{' })
  return { status: response.status, text: await response.text() }
}

test('a site that is not allowed changes nothing by any route, and is told which setting allows it', async () => {
  expect(CHANGES.length).toBeGreaterThan(25)
  for (const [method, path] of CHANGES) {
    const { status, text } = await ask('http://localhost:3001', method, path)
    expect({ path, status, error: JSON.parse(text).error }).toEqual({
      ...{ path, status: 403 },
      error:
        'other sites may not change anything here; add http://localhost:3001 to ALLOWED_ORIGINS if that site may',
    })
  }
  expect((await ask('null', 'POST', '/tasks')).text).toContain('"other sites may not change anything here"')
})

test('a site that is allowed passes by every route, as do pages of our own', async () => {
  for (const [method, path] of CHANGES) {
    for (const origin of [SITE, url])
      expect({ path, status: (await ask(origin, method, path)).status }).not.toEqual({ path, status: 403 })
  }
  const headers = { origin: SITE, 'content-type': 'application/json' }
  const made = await fetch(`${url}/tasks`, { method: 'POST', headers, body: '{"command":"from a page"}' })
  expect(made.status).toBe(200)
  expect(await sql`SELECT command FROM tasks`.then((rows) => rows.map(({ command }) => command))).toEqual([
    'from a page',
  ])
})

test('a WebSocket opens for a site that is allowed, wherever that is, and for no other', async () => {
  const remote = await createServed({ origins: ['https://tasks.example'] })
  const open = (origin: string) =>
    new Promise<boolean>((resolve) => {
      const socket = new WebSocket(`${remote.url.replace('http', 'ws')}/ws`, { headers: { origin } } as never)
      socket.onopen = () => {
        socket.close()
        resolve(true)
      }
      socket.onerror = () => resolve(false)
    })
  expect(await open('https://tasks.example')).toBeTrue()
  expect(await open('https://evil.example')).toBeFalse()
})

test('what is no site is a wrong setting', () => {
  const read = (text: string) => [
    ...readSettings({ ALLOWED_ORIGINS: origins() }, { ALLOWED_ORIGINS: text }).ALLOWED_ORIGINS,
  ]
  expect(read('http://localhost:3000, https://Tasks.example/')).toEqual([
    'http://localhost:3000',
    'https://tasks.example',
  ])
  for (const text of ['*', 'localhost:3000', 'http://a/path', 'ftp://a', 'null'])
    expect(() => read(text)).toThrow('ALLOWED_ORIGINS must be sites such as http://localhost:3000')
})
