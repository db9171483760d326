import { createServer } from 'node:net'
import { AppError } from '../../shared/core/error.ts'

export interface Address {
  host: string
  /** 0: any free one. */
  port: number
}

const PAUSE_MS = 100

/** Below what any system gives to outgoing connections, which would take a port between its choice and its use. */
const CHOSEN = { from: 20_000, to: 32_000 }
const TRIES = 50

/** A TCP port that nobody listens on now; somebody else may take it before you do. */
export async function freePort(host: string): Promise<number> {
  for (let left = TRIES; left > 0; left--) {
    const port = CHOSEN.from + Math.floor(Math.random() * (CHOSEN.to - CHOSEN.from))
    const isFree = await listenOnce({ host, port }).then(
      () => true,
      () => false,
    )
    if (isFree) return port
  }
  return await listenOnce({ host, port: 0 })
}

/**
 * Checks that this process could listen there.
 *
 * @param flag how a person chooses another port
 * @param patienceMs how long to wait for the port to become free
 * @throws `conflict` when it is taken, `invalid` when the host is none of this machine's; both say what to do
 */
export async function requireFree(address: Address, flag: string, patienceMs: number): Promise<void> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      await listenOnce(address)
      return
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EADDRINUSE' && performance.now() < deadline) await Bun.sleep(PAUSE_MS)
      else throw explain(code, address, flag, error)
    }
  }
}

function explain(code: string | undefined, { host, port }: Address, flag: string, cause: unknown): AppError {
  if (code === 'EADDRINUSE') {
    const what = `port ${port} is taken by another program`
    return new AppError('conflict', `${what}. Stop that, or choose another port: ${flag}-port <number>`, {
      cause,
    })
  }
  if (code === 'EACCES') {
    const what = `port ${port} needs rights that this user does not have`
    return new AppError('invalid', `${what}. Choose one above 1023: ${flag}-port <number>`, { cause })
  }
  const what = `this machine cannot listen on the host ${host} (${code})`
  return new AppError('invalid', `${what}. Choose one of its own addresses: ${flag}-host <address>`, {
    cause,
  })
}

function listenOnce({ host, port }: Address): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : port))
    })
  })
}
