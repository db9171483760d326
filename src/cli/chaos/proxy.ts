import { connect, createServer, type Server, type Socket } from 'node:net'
import type { PathFault } from './faults.ts'
import { createWay, type Way } from './way.ts'

/** A TCP way that can misbehave. */
export interface TcpProxy {
  readonly port: number
  /**
   * From now on:
   * `delay` passes everything on later, `stall` holds all back until that changes, `hole` swallows it, ends
   * of connections too, so that each side believes in the other for ever, `deaf` swallows what comes back,
   * `refuse` cuts what there is and whatever is opened.
   * A connection that has lost anything stays silent when that is over, until one side gives it up.
   */
  set(fault: PathFault | null): void
  /** Cuts every connection once. */
  reset(): void
  close(): Promise<void>
}

/** Listens on a free port of this machine and passes everything on to `target`, unless told otherwise. */
export async function createProxy(target: { host: string; port: () => number }): Promise<TcpProxy> {
  let fault: PathFault | null = null
  const ways = new Set<Way>()
  const sockets = new Set<Socket>()

  function keep(socket: Socket): Socket {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    return socket
  }

  function add(from: Socket, to: Socket, isBack: boolean) {
    const way = createWay(from, to, isBack, () => fault)
    ways.add(way)
    to.on('close', () => ways.delete(way))
  }

  function accept(from: Socket) {
    keep(from)
    if (fault?.kind === 'refuse') return void from.resetAndDestroy()
    // Into a hole: taken, and never answered.
    if (fault?.kind === 'hole') return void from.resume()
    const onward = keep(connect({ host: target.host, port: target.port() }))
    add(from, onward, false)
    add(onward, from, true)
  }

  function cut() {
    for (const socket of sockets) socket.resetAndDestroy()
  }

  const server = createServer(accept)
  const port = await listen(server)
  return {
    port,
    set(next) {
      fault = next
      if (next?.kind === 'refuse') cut()
      for (const way of ways) way.pass()
    },
    reset: cut,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      cut()
      await closed
    },
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
  })
}
