import { expect, test } from 'bun:test'
import { findPayloadFault, isExpected } from '../../../../src/shared/core/payloads.ts'

const URL = 'https://a.example/'

test('what an executor can do something with has no fault', () => {
  expect(findPayloadFault('simulate', 'anything', [1, 2])).toBeNull()
  expect(findPayloadFault('shell', 'ls', null)).toBeNull()
  expect(
    findPayloadFault('shell', 'ls', { env: { A_1: 'x', PATH: '/bin' }, memory_mb: 64, cpus: 0.5, other: 1 }),
  ).toBeNull()
  expect(findPayloadFault('http', URL, null)).toBeNull()
  expect(
    findPayloadFault('http', 'a name', { url: URL, method: 'POST', headers: { 'X-A': 'b' }, body: [1] }),
  ).toBeNull()
  expect(
    findPayloadFault('http', URL, { expect_status: [200, '3xx'], timeout_ms: 5, max_redirects: 0 }),
  ).toBeNull()
  expect(findPayloadFault('function', 'send-email', 'anything')).toBeNull()
})

test('every fault names its field', () => {
  const faults = [
    ['shell', 'ls', [], 'payload must be an object'],
    ['shell', 'ls', { env: ['A=1'] }, 'payload.env must be an object'],
    ['shell', 'ls', { env: { A: 1 } }, 'payload.env.A must be a string'],
    ['shell', 'ls', { env: { 'A=B': 'x' } }, 'payload.env has a name'],
    ['shell', 'ls', { env: { TASKMASTER_TASK_ID: 'x' } }, 'payload.env has a name'],
    ['shell', 'ls', { memory_mb: 0.5 }, 'payload.memory_mb must be'],
    ['shell', 'ls', { cpus: '1' }, 'payload.cpus must be'],
    ['http', 'no url', null, 'command must be a URL'],
    ['http', 'file:///etc/passwd', null, 'command must be a URL with http: or https:'],
    ['http', 'x', { url: 'ftp://a.example/' }, 'payload.url must be a URL'],
    ['http', 'https://me:secret@a.example/', null, 'command must have no name or password'],
    ['http', URL, { method: 'CONNECT' }, 'payload.method must be'],
    ['http', URL, { headers: { Host: 'b' } }, 'payload.headers has a name'],
    ['http', URL, { headers: { 'A b': 'c' } }, 'payload.headers has a name'],
    ['http', URL, { headers: { A: 'x\r\nB: y' } }, 'payload.headers.A must be one line'],
    ['http', URL, { expect_status: 'ok' }, 'payload.expect_status must be'],
    ['http', URL, { expect_status: [] }, 'payload.expect_status must be'],
    ['http', URL, { max_redirects: 6 }, 'payload.max_redirects must be'],
    ['http', URL, { timeout_ms: 0 }, 'payload.timeout_ms must be'],
    ['function', 'rm -rf /', null, 'command must be the name of a handler'],
  ] as const
  for (const [executor, command, payload, fault] of faults) {
    expect(findPayloadFault(executor, command, payload as never)).toStartWith(fault)
  }
})

test('a status is expected by itself, by its class, or because nothing else was said', () => {
  expect([200, 204, 299].every((status) => isExpected(status, undefined))).toBe(true)
  expect([199, 301, 404, 500].some((status) => isExpected(status, undefined))).toBe(false)
  expect([isExpected(404, 404), isExpected(404, [200, '4xx']), isExpected(404, '2xx')]).toEqual([
    true,
    true,
    false,
  ])
})
