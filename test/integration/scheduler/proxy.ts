import { connect, createServer, type Server, type Socket } from 'node:net'

export interface TcpProxy {
  host: string
  port: number
  /** Cuts every connection and takes none. */
  close(): Promise<void>
  open(): Promise<void>
}

/** A TCP way to the database that can be cut. */
export async function createProxy(to: { host: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let server: Server | null = null

  const accept = (from: Socket) => {
    const onward = connect(to)
    for (const socket of [from, onward]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
    from.on('close', () => onward.destroy())
    onward.on('close', () => from.destroy())
    from.pipe(onward).pipe(from)
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
  }
  await proxy.open()
  return proxy
}
