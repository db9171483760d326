import { BlockList, isIP } from 'node:net'
import { AppError } from './core/error.ts'

export interface Networks {
  /** Whether one of them has this IP address. */
  has(address: string): boolean
}

/**
 * Networks by their CIDRs, single addresses, or `*` for all.
 *
 * @throws `invalid` for what is none of these
 */
export function createNetworks(given: readonly string[]): Networks {
  const lists = listOf(given.filter((network) => network !== '*'))
  const all = given.includes('*')
  return {
    has(address) {
      const plain = unmapped(address)
      const family = familyOf(plain)
      return family !== null && (all || lists[family].check(plain, family))
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
export function unmapped(address: string): string {
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
