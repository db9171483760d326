import { createServer } from 'node:net'

/** A TCP port that nobody listens on now; somebody else may take it before you do. */
export function freePort(host: string): Promise<number> {
  return listenOnce(host, 0)
}

/** Whether nobody listens on that port now. */
export async function isFree(host: string, port: number): Promise<boolean> {
  return listenOnce(host, port).then(
    () => true,
    () => false,
  )
}

function listenOnce(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : port))
    })
  })
}
