import { readPeer } from '../shared/core/address.ts'

/** How many calls may be open at once, in all and from one address. */
export interface CallLimit {
  /** Counts one more from this peer. Null: there are too many; else what says that it is over, once. */
  enter(peer: string): (() => void) | null
}

export function createCallLimit({ total, perAddress }: { total: number; perAddress: number }): CallLimit {
  const open = new Map<string, number>()
  let sum = 0
  return {
    enter(peer) {
      const host = readPeer(peer)?.host ?? peer
      const own = open.get(host) ?? 0
      if (sum >= total || own >= perAddress) return null
      sum++
      open.set(host, own + 1)
      let left = false
      return () => {
        if (left) return
        left = true
        sum--
        const now = (open.get(host) ?? 1) - 1
        if (now > 0) open.set(host, now)
        else open.delete(host)
      }
    },
  }
}
