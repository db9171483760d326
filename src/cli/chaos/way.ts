import type { Socket } from 'node:net'
import type { PathFault } from './faults.ts'

/** Bytes held back before their sender has to wait. */
const MAX_HELD = 256 * 1024

/** One direction of one connection through a proxy. */
export interface Way {
  /** Passes on what may be passed on by now; called when the fault has changed. */
  pass(): void
}

/** Copies `from` to `to` as the fault of the moment allows. `isBack`: from the server to the client. */
export function createWay(from: Socket, to: Socket, isBack: boolean, fault: () => PathFault | null): Way {
  const held: { chunk: Buffer; dueAt: number }[] = []
  let heldBytes = 0
  let timer: Timer | null = null
  let ended = false
  /** Something was swallowed: what follows would make no sense. */
  let broken = false

  from.on('data', (chunk: Buffer) => {
    const now = fault()
    broken ||= now?.kind === 'hole' || (isBack && now?.kind === 'deaf')
    if (broken) return
    held.push({ chunk, dueAt: performance.now() + (now?.kind === 'delay' ? now.delayMs : 0) })
    heldBytes += chunk.length
    if (heldBytes > MAX_HELD) from.pause()
    pass()
  })
  from.on('close', () => {
    ended = true
    pass()
  })
  to.on('drain', pass)

  function pass() {
    if (timer) clearTimeout(timer)
    timer = null
    const { kind } = fault() ?? {}
    if (kind === 'stall' || kind === 'hole') return
    for (let first = held[0]; first; first = held[0]) {
      const waitMs = first.dueAt - performance.now()
      if (waitMs > 0) {
        timer = setTimeout(pass, waitMs)
        return
      }
      if (to.writableNeedDrain) return
      held.shift()
      heldBytes -= first.chunk.length
      if (!to.destroyed) to.write(first.chunk)
    }
    if (ended) to.end()
    else if (from.isPaused()) from.resume()
  }

  return { pass }
}
