import { expect, test } from 'bun:test'
import { allowedHosts, refuseOtherHosts } from '../../../src/scheduler/rest/hosts.ts'

function admits(allowed: ReadonlySet<string> | null, host: string): boolean {
  try {
    refuseOtherHosts(new Request('http://127.0.0.1/', { headers: { host } }), allowed)
    return true
  } catch {
    return false
  }
}

const OURS = ['localhost', 'localhost:8081', 'LOCALHOST:8081', '127.0.0.1:8081', '[::1]:8081']
const OTHERS = [
  'evil.example',
  'evil.example:8081',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  '10.0.0.1',
  '',
  'a b',
]

test('on loopback only the names of loopback are ours', () => {
  for (const host of ['127.0.0.1', 'localhost', '::1']) {
    for (const name of OURS) expect(admits(allowedHosts(host, []), name)).toBe(true)
    for (const name of OTHERS) expect(admits(allowedHosts(host, []), name)).toBe(false)
  }
})

test('a scheduler that others reach has names that only its operator knows', () => {
  for (const name of [...OURS, 'tasks.example', '10.0.0.1:80'])
    expect(admits(allowedHosts('0.0.0.0', []), name)).toBe(true)
  const named = allowedHosts('10.0.0.1', ['tasks.example', 'tasks.example.org:443'])
  for (const name of [...OURS, '10.0.0.1:8081', 'Tasks.Example', 'tasks.example.org'])
    expect(admits(named, name)).toBe(true)
  expect(admits(named, 'evil.example')).toBe(false)
})

test('a star allows any name', () => {
  expect(admits(allowedHosts('127.0.0.1', ['*']), 'evil.example')).toBe(true)
})
