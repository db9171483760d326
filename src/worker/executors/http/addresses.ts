import { createNetworks } from '../../../shared/networks.ts'

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
  const closed = createNetworks(NOT_PUBLIC)
  const open = createNetworks(allowed)
  const known = createNetworks(['*'])
  return {
    allows: (address) => known.has(address) && (open.has(address) || !closed.has(address)),
  }
}
