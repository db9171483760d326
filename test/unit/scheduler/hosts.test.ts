import { expect, test } from 'bun:test'
import { type AllowedHosts, allowedHosts, refuseOtherHosts } from '../../../src/scheduler/rest/hosts.ts'
import type { Refusal } from '../../../src/scheduler/rest/route.ts'

/** The status that a request with this Host gets: 200 when it is let pass. */
function statusOf(allowed: AllowedHosts | null, host: string): number {
  try {
    refuseOtherHosts(new Request('http://127.0.0.1/', { headers: { host } }), allowed)
    return 200
  } catch (error) {
    return (error as Refusal).status
  }
}

const statuses = (allowed: AllowedHosts | null, hosts: string[]) =>
  Object.fromEntries(hosts.map((host) => [host, statusOf(allowed, host)]))
const all = (hosts: string[], status: number) => Object.fromEntries(hosts.map((host) => [host, status]))

const OURS = [
  'localhost',
  'localhost:8081',
  'LOCALHOST:8081',
  'localhost:',
  '127.0.0.1:8081',
  '[::1]:8081',
  '[0::1]',
]
const OTHERS = [
  'evil.example',
  'evil.example:8081',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  'localhost.',
]
const ADDRESSES = ['10.0.0.1', '10.0.0.1:8081', '192.168.1.20', '[fe80::1]:8081']
const MALFORMED = [
  '',
  'a b',
  'localhost/',
  'localhost/x',
  'localhost?',
  'localhost#',
  'localhost\\',
  'user@localhost',
  'localhost:80:80',
  'localhost:x',
  'localhost:-1',
  'localhost:65536',
  'localhost:999999',
  'localhost, evil.example',
  'http://localhost',
  '[::1',
  '::1',
  '[::1]x',
  '[localhost]',
  '.',
  '-',
  '%6cocalhost',
  'localhost%',
  'l'.repeat(300),
  'a..b/..',
]

test('a scheduler on loopback answers to the names of loopback alone', () => {
  for (const host of ['127.0.0.1', 'localhost', '::1']) {
    const allowed = allowedHosts(host, [], 'box')
    expect(statuses(allowed, OURS)).toEqual(all(OURS, 200))
    expect(statuses(allowed, [...OTHERS, ...ADDRESSES, 'box'])).toEqual(
      all([...OTHERS, ...ADDRESSES, 'box'], 403),
    )
  }
})

test('one that others reach answers to loopback, its machine and any address, and to no other name unless it is given', () => {
  const names = ['box', 'box.corp.example:8081']
  for (const host of ['0.0.0.0', '::', '10.0.0.1']) {
    const allowed = allowedHosts(host, [], 'Box.corp.example')
    expect(statuses(allowed, [...OURS, ...ADDRESSES, ...names])).toEqual(
      all([...OURS, ...ADDRESSES, ...names], 200),
    )
    expect(statuses(allowed, OTHERS)).toEqual(all(OTHERS, 403))
  }
  const named = allowedHosts('0.0.0.0', ['tasks.example', 'tasks.example.org:443'])
  const given = ['Tasks.Example', 'tasks.example.org']
  expect(statuses(named, [...OURS, ...ADDRESSES, ...given])).toEqual(
    all([...OURS, ...ADDRESSES, ...given], 200),
  )
  expect(statuses(named, OTHERS)).toEqual(all(OTHERS, 403))
})

test('a star allows any name', () => {
  expect(statusOf(allowedHosts('127.0.0.1', ['*']), 'evil.example')).toBe(200)
})

test('what is no name and no address is malformed, even where any name is allowed', () => {
  for (const given of [[], ['*']]) {
    expect(statuses(allowedHosts('0.0.0.0', given), MALFORMED)).toEqual(all(MALFORMED, 400))
  }
})
