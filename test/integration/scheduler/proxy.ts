import { connect, createServer, type Server, type Socket } from 'node:net'

export interface TcpProxy {
  host: string
  port: number
  /** Cuts every connection and takes none. */
  close(): Promise<void>
  open(): Promise<void>
  /** What the other side answers does not arrive, until the connections are cut. */
  loseReplies(): void
  /** Nothing arrives in either direction, and nothing is cut; new connections are taken and led nowhere. */
  swallow(): void
  /** New connections are led on again; those that were swallowed stay so. */
  pass(): void
}

/** A TCP way to the database that can be cut, and that can swallow what is sent. */
export async function createProxy(to: { host: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  const ways = new Set<{ from: Socket; onward: Socket }>()
  let server: Server | null = null
  let swallowing = false

  const accept = (from: Socket) => {
    if (swallowing) {
      sockets.add(from)
      from.on('error', () => from.destroy())
      from.on('close', () => sockets.delete(from))
      return
    }
    const onward = connect(to)
    for (const socket of [from, onward]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
    from.on('close', () => onward.destroy())
    onward.on('close', () => from.destroy())
    from.pipe(onward).pipe(from)
    ways.add({ from, onward })
    from.on('close', () => {
      for (const way of ways) if (way.from === from) ways.delete(way)
    })
  }

  const proxy: TcpProxy = {
    host: '127.0.0.1',
    port: 0,
    async open() {
      server = createServer(accept)
      await new Promise<void>((resolve, reject) => {
        server?.once('error', reject).listen(proxy.port, proxy.host, resolve)
      })
      const address = server.address()
      if (address && typeof address === 'object') proxy.port = address.port
    },
    async close() {
      const closed = new Promise<void>((resolve) => server?.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
    loseReplies() {
      for (const { from, onward } of ways) {
        onward.unpipe(from)
        onward.resume()
      }
    },
    swallow() {
      swallowing = true
      for (const { from, onward } of ways) {
        from.unpipe(onward)
        onward.unpipe(from)
        from.resume()
        onward.resume()
      }
    },
    pass() {
      swallowing = false
    },
  }
  await proxy.open()
  return proxy
}
