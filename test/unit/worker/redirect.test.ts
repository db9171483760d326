import { expect, test } from 'bun:test'
import { followRedirect } from '../../../src/worker/executors/http/redirect.ts'

const asked = (method: string, more: object = {}) => ({
  url: new URL('https://a.example/one?x=1'),
  method,
  headers: { Authorization: 'secret', Cookie: 'c', 'Content-Type': 'text/plain', 'X-Other': 'stays' },
  body: method === 'GET' ? null : 'body',
  ...more,
})

test('a redirect of what changes something is asked for, unless the status says to repeat it', () => {
  for (const status of [301, 302, 303]) {
    expect(followRedirect(asked('POST'), status, '/two')).toMatchObject({ method: 'GET', body: null })
  }
  for (const status of [307, 308]) {
    expect(followRedirect(asked('POST'), status, '/two')).toMatchObject({ method: 'POST', body: 'body' })
  }
  expect(followRedirect(asked('HEAD'), 301, '/two')?.method).toBe('HEAD')
})

test('the same site is told the same, another neither authorization nor cookies', () => {
  const same = followRedirect(asked('GET'), 302, '/two')
  expect(same?.url.href).toBe('https://a.example/two')
  expect(Object.keys(same?.headers ?? {})).toEqual(['Authorization', 'Cookie', 'Content-Type', 'X-Other'])
  for (const other of ['https://b.example/', 'http://a.example/one', 'https://a.example:444/']) {
    expect(Object.keys(followRedirect(asked('GET'), 302, other)?.headers ?? {})).toEqual([
      'Content-Type',
      'X-Other',
    ])
  }
  expect(followRedirect(asked('POST'), 302, '/two')?.headers).not.toHaveProperty('Content-Type')
})

test('what is no redirect is none, and one to another protocol is refused', () => {
  expect(followRedirect(asked('GET'), 200, '/two')).toBeNull()
  expect(followRedirect(asked('GET'), 304, '/two')).toBeNull()
  expect(followRedirect(asked('GET'), 302, undefined)).toBeNull()
  for (const wrong of ['file:///etc/passwd', 'gopher://a/', 'javascript:1']) {
    expect(() => followRedirect(asked('GET'), 302, wrong)).toThrow(
      'redirected to what is no http: or https: URL',
    )
  }
})
