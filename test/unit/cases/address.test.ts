import { expect, test } from 'bun:test'
import { formatAddress, parseAddress, readPeer } from '../../../src/shared/core/address.ts'

test.each([
  ['worker-1:50051', 'worker-1', 50_051],
  ['10.0.0.5:1', '10.0.0.5', 1],
  ['[::1]:65535', '::1', 65_535],
  ['[fe80::1%eth0]:80', 'fe80::1%eth0', 80],
  ['Some_Host.example.:80', 'Some_Host.example.', 80],
])('%s is an address, and is written as it was read', (text, host, port) => {
  expect(parseAddress(text)).toEqual({ host, port })
  expect(formatAddress({ host, port })).toBe(text)
})

test.each([
  ...['unix:/run/x', 'unix:///run/x', 'unix-abstract:x', 'dns:///evil:53', 'dns:evil:53', 'ipv4:10.0.0.1:80'],
  ...[
    'ipv4:10.0.0.1:80,10.0.0.2:80',
    'ipv6:[::1]:80',
    'xds:///x',
    'http://x:80',
    '//x:80',
    'x:80/path',
    'a@b:80',
  ],
  ...[
    '',
    ':80',
    'x',
    'x:',
    'x:0',
    'x:65536',
    'x:80:80',
    '::1:80',
    '[x]:80',
    '[]:80',
    '-x:80',
    'x-:80',
    'x:8e1',
  ],
  ...['x :80', 'x\0:80', 'x\n:80', 'ö:80', `${'x'.repeat(300)}:80`],
])('%p is no address', (text) => {
  expect(parseAddress(text)).toBeNull()
})

test.each([
  ['10.0.0.5:40112', '10.0.0.5', 40_112],
  ['::1:40112', '::1', 40_112],
  ['[::1]:40112', '::1', 40_112],
  ['::ffff:10.0.0.5:9', '::ffff:10.0.0.5', 9],
])('the peer %s is taken apart', (peer, host, port) => {
  expect(readPeer(peer)).toEqual({ host, port })
})

test('a peer that is not known is none', () => {
  expect(readPeer('unknown')).toBeNull()
})
