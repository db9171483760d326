import { expect, test } from 'bun:test'
import { createGuard } from '../../../src/worker/executors/http/addresses.ts'
import fc from '../../support/property.ts'

const PRIVATE = [
  ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.9.9.9', '169.254.169.254'],
  ...[
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '192.0.2.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
  ],
  ...['::', '::1', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fd00:ec2::254', 'ff02::1', '64:ff9b::7f00:1'],
  ...['2002:7f00:1::', '2001:db8::1', '2001::1', '::127.0.0.1'],
  ...['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:a9fe:a9fe', '0:0:0:0:0:ffff:10.0.0.1'],
]
const PUBLIC = [
  '1.1.1.1',
  '8.8.8.8',
  '172.15.0.1',
  '172.32.0.1',
  '100.63.0.1',
  '2606:4700:4700::1111',
  '::ffff:1.1.1.1',
]

test('nothing but public addresses is allowed, in whatever way they are written', () => {
  const guard = createGuard([])
  expect(PRIVATE.filter((address) => guard.allows(address))).toEqual([])
  expect(PUBLIC.filter((address) => !guard.allows(address))).toEqual([])
  for (const none of ['', 'localhost', '127.1', '0x7f000001', '2130706433', '1.1.1.1.1']) {
    expect(guard.allows(none)).toBe(false)
  }
})

test('an address of version 4 is judged alike when it is written as one of version 6', () => {
  const guard = createGuard(['10.0.0.0/8'])
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      expect(guard.allows(`::ffff:${address}`)).toBe(guard.allows(address))
    }),
  )
})

test('what is allowed expressly is allowed, and nothing beside it', () => {
  const guard = createGuard(['10.1.0.0/16', '192.168.1.7', 'fd00::/8'])
  const allowed = ['10.1.2.3', '192.168.1.7', '::ffff:10.1.2.3', 'fd00::5', '1.1.1.1']
  expect(allowed.filter((address) => !guard.allows(address))).toEqual([])
  expect(
    ['10.2.0.1', '192.168.1.8', 'fe80::1', '127.0.0.1'].filter((address) => guard.allows(address)),
  ).toEqual([])
  expect(PRIVATE.filter((address) => !createGuard(['*']).allows(address))).toEqual([])
})

test('what is no network is refused by name', () => {
  for (const wrong of ['10.0.0.0/33', '10.0.0/8', 'fd00::/129', 'localhost', '10.0.0.0/8/8', '10.0.0.0/x']) {
    expect(() => createGuard([wrong])).toThrow(`not "${wrong}"`)
  }
})
