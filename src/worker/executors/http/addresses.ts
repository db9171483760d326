import { BlockList, isIP } from 'node:net'
import { AppError } from '../../../shared/core/error.ts'

/** What is not the public internet; IANA's special-purpose registries. */
const NOT_PUBLIC = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15'],
  ...['198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  // Of version 6, all but 2000::/3; and in that, documentation and what carries addresses of version 4 inside.
  ...['::/3', '4000::/2', '8000::/1', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'],
]

export interface Guard {
  /** Whether a task may connect to this address. */
  allows(address: string): boolean
}

/**
 * Keeps http tasks out of the worker's own network.
 *
 * @param allowed networks that are reached all the same, as CIDRs or single addresses; `*`: all
 * @throws `invalid` for what is neither
 */
export function createGuard(allowed: readonly string[]): Guard {
  const closed = listOf(NOT_PUBLIC)
  const open = listOf(allowed.filter((network) => network !== '*'))
  const all = allowed.includes('*')
  return {
    allows(address) {
      const plain = unmapped(address)
      const family = familyOf(plain)
      if (family === null) return false
      return all || open[family].check(plain, family) || !closed[family].check(plain, family)
    },
  }
}

type Family = 'ipv4' | 'ipv6'

/** One list of each family: in one list, an address of version 4 would count as one of ::/3 too. */
function listOf(networks: readonly string[]): Record<Family, BlockList> {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const network of networks) {
    const [address = '', bits, ...rest] = network.split('/')
    const family = familyOf(address)
    const most = family === 'ipv4' ? 32 : 128
    const prefix = bits === undefined ? most : Number(bits)
    if (family === null || rest.length > 0 || !/^\d{1,3}$/.test(bits ?? '0') || prefix > most) {
      throw new AppError('invalid', `must be networks such as 10.0.0.0/8 or fd00::/8, or *, not "${network}"`)
    }
    lists[family].addSubnet(address, prefix, family)
  }
  return lists
}

function familyOf(address: string): Family | null {
  const version = isIP(address)
  return version === 4 ? 'ipv4' : version === 6 ? 'ipv6' : null
}

/** An address of version 4 that is written as one of version 6, as what it is. */
function unmapped(address: string): string {
  if (isIP(address) !== 6) return address
  // The URL parser writes every address of version 6 in one way.
  const [, high, low] =
    /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(
      new URL(`http://[${address.split('%')[0]}]`).hostname,
    ) ?? []
  if (high === undefined || low === undefined) return address
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [a >> 8, a & 255, b >> 8, b & 255].join('.')
}
