import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { formatAddress, parseAddress, readPeer } from '../shared/core/address.ts'
import { AppError } from '../shared/core/error.ts'
import { createNetworks, unmapped } from '../shared/networks.ts'

/** ms that a name may take to be looked up. */
const LOOKUP_MS = 3000

const loopback = createNetworks(['127.0.0.0/8', '::1'])

/** Says where a worker that named its address may be dialled. */
export interface PushTargets {
  /**
   * Looks the address up, once: what was judged is what is dialled.
   *
   * @param address what the worker says, `host:port`
   * @param peer where its call comes from
   * @returns an IP address and the port
   * @throws `invalid` when it is no address, `unavailable` when it cannot be looked up, `unauthorized` when it is
   *   neither the caller's own nor in a network that is allowed
   */
  resolve(address: string, peer: string): Promise<string>
}

/** @param allow networks besides the caller's own address, as CIDRs; `*`: all */
export function createPushTargets(allow: readonly string[]): PushTargets {
  const allowed = createNetworks(allow)
  return {
    async resolve(address, peer) {
      const parsed = parseAddress(address)
      if (!parsed) throw new AppError('invalid', 'address must be host:port, such as worker-1:50051')
      const from = unmapped(readPeer(peer)?.host ?? '')
      const found = await lookUp(parsed.host)
      const host = found.find((one) => isOwn(one, from) || allowed.has(one))
      if (host === undefined) {
        throw new AppError(
          'unauthorized',
          `address ${found[0]} is not where this call comes from (${from || 'unknown'}): ` +
            'to have it dialled, name its network in PUSH_ALLOW of the coordinator',
        )
      }
      return formatAddress({ host, port: parsed.port })
    },
  }
}

async function lookUp(host: string): Promise<string[]> {
  if (isIP(host)) return [unmapped(host)]
  const limit = Promise.withResolvers<never>()
  const timer = setTimeout(() => limit.reject(new Error(`no answer within ${LOOKUP_MS} ms`)), LOOKUP_MS)
  try {
    const found = await Promise.race([lookup(host, { all: true }), limit.promise])
    return found.map((one) => unmapped(one.address))
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    throw new AppError('unavailable', `address ${host} cannot be looked up: ${code ?? message}`)
  } finally {
    clearTimeout(timer)
  }
}

/** The address that a call comes from; of one from this machine, every address of this machine. */
function isOwn(address: string, from: string): boolean {
  if (address === from) return true
  if (!loopback.has(from)) return false
  return loopback.has(address) || ownAddresses().includes(address)
}

const ownAddresses = () =>
  Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map((one) => one.address))
